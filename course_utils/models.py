"""From layers to a classifier: one skeleton for every paper, and the named configurations.

Each network is: pixels → patch embedding → `depth` blocks → LayerNorm → mean over the tokens → dense head. Only the
block differs from paper to paper. The head starts at zero, so that an untrained network says "all classes alike".
"""

import difflib
from dataclasses import dataclass, fields, replace
from functools import partial

import keras

from course_utils.layers import MixerBlock, NoMixingBlock, PatchEmbedding, PositionEmbedding
from course_utils.layers.mixer import EPSILON


@dataclass(frozen=True)
class Config:
    """The sizes of one network.

    Attributes:
        mixing: how tokens are mixed: "mixer" or "no_mixing".
        patch_size: side of a patch in pixels.
        embed_dim: width `d` of a token.
        depth: number of blocks.
        channels_mlp_dim: hidden width of the MLP along the channels.
        tokens_mlp_dim: hidden width of the MLP along the tokens ("mixer" only).
        position_embedding: add a learned vector for each position.
        dropout: dropout in every MLP.
        drop_path: probability of dropping a branch in the last block; it grows linearly from 0 in the first block.
    """

    mixing: str
    patch_size: int
    embed_dim: int
    depth: int
    channels_mlp_dim: int
    tokens_mlp_dim: int = 0
    position_embedding: bool = False
    dropout: float = 0.0
    drop_path: float = 0.0


# Paper sizes: arXiv 2105.01601, table 1. "course" has the published lesson's 64 tokens and 4 blocks, and about its
# multiply-adds for a picture, on 32 × 32 pixels instead of 64 × 64.
CONFIGS = {
    "mixer_tiny": Config("mixer", 8, 64, 2, channels_mlp_dim=128, tokens_mlp_dim=64),
    "mixer_course": Config("mixer", 4, 128, 4, channels_mlp_dim=256, tokens_mlp_dim=64),
    "mixer_s16": Config("mixer", 16, 512, 8, channels_mlp_dim=2048, tokens_mlp_dim=256),
    "mixer_b16": Config("mixer", 16, 768, 12, channels_mlp_dim=3072, tokens_mlp_dim=384),
    "no_mixing_tiny": Config("no_mixing", 8, 64, 2, channels_mlp_dim=128),
    "no_mixing_course": Config("no_mixing", 4, 128, 4, channels_mlp_dim=256),
}


def _block(config: Config):
    """Returns a function that makes one block, given its name and drop-path rate."""
    if config.mixing == "mixer":
        return partial(
            MixerBlock,
            tokens_mlp_dim=config.tokens_mlp_dim,
            channels_mlp_dim=config.channels_mlp_dim,
            dropout=config.dropout,
        )
    if config.mixing == "no_mixing":
        return partial(NoMixingBlock, channels_mlp_dim=config.channels_mlp_dim, dropout=config.dropout)
    raise ValueError(f"Config: mixing must be 'mixer' or 'no_mixing', but it is {config.mixing!r}")


def named_config(name: str, **changes) -> Config:
    """Returns the configuration called `name`, with some of its sizes changed.

    Args:
        name: a key of `CONFIGS`; a paper's name alone ("mixer") means its "tiny" configuration.
        **changes: fields of `Config` to change, such as `depth=4`.

    Raises:
        ValueError: there is no such name or no such field.
    """
    key = name if name in CONFIGS else f"{name}_tiny"
    if key not in CONFIGS:
        papers = sorted({config.mixing for config in CONFIGS.values()})
        close = difflib.get_close_matches(name, [*papers, *CONFIGS], n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"classifier: unknown configuration {name!r}; choose from {', '.join(CONFIGS)}{hint}")
    known = [field.name for field in fields(Config)]
    for change in changes:
        if change not in known:
            raise ValueError(f"classifier: a configuration has no {change!r}; it has {', '.join(known)}")
    return replace(CONFIGS[key], **changes)


def classifier(config: str | Config, input_shape, num_classes: int, *, seed: int | None = 0, **changes):
    """Builds an image classifier.

    Args:
        config: a name from `CONFIGS` ("mixer" means "mixer_tiny"), or a `Config`.
        input_shape: `(h, w, c)` of the pictures.
        num_classes: number of classes, at least 2.
        seed: seeds the initial weights, through `keras.utils.set_random_seed`; None leaves the generators alone.
        **changes: fields of `Config` to change, such as `depth=4` or `dropout=0.1`.

    Returns:
        A `keras.Model` from pixels `(b, h, w, c)` in 0…255 to float32 logits `(b, num_classes)`. Its layers are
        named "patch_embedding", "block_1", "block_2", …, "final_norm", "pool", "head".

    Raises:
        ValueError: an unknown name or field, a shape that is not `(h, w, c)`, a patch size that does not divide the
            picture, fewer than 2 classes, or a size that a layer refuses.
    """
    if isinstance(config, str):
        name = config if config in CONFIGS else f"{config}_tiny"
        config = named_config(config, **changes)
        if changes:
            name += "_changed"
    elif isinstance(config, Config):
        name, config = f"{config.mixing}_custom", replace(config, **changes)
    else:
        raise TypeError(f"classifier: config must be a name or a Config, but it is a {type(config).__name__}")
    input_shape = tuple(input_shape)
    if len(input_shape) != 3 or not all(isinstance(size, int) and size > 0 for size in input_shape):
        raise ValueError(f"classifier: input_shape must be (height, width, channels), but it is {input_shape}")
    if isinstance(num_classes, bool) or not isinstance(num_classes, int) or num_classes < 2:
        raise ValueError(f"classifier: num_classes must be a whole number of at least 2, but it is {num_classes!r}")
    if isinstance(config.depth, bool) or not isinstance(config.depth, int) or config.depth < 1:
        raise ValueError(f"classifier: depth must be a whole number of at least 1, but it is {config.depth!r}")

    block = _block(config)
    if seed is not None:
        keras.utils.set_random_seed(seed)
    pixels = keras.Input(input_shape, name="pixels")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scale")(pixels)  # 0…255 to -1…1
    x = PatchEmbedding(config.patch_size, config.embed_dim, name="patch_embedding")(x)
    if config.position_embedding:
        x = PositionEmbedding(name="position_embedding")(x)
    for i in range(config.depth):
        rate = config.drop_path * i / max(config.depth - 1, 1)
        x = block(drop_path=rate, name=f"block_{i + 1}")(x)
    x = keras.layers.LayerNormalization(epsilon=EPSILON, name="final_norm")(x)
    x = keras.layers.GlobalAveragePooling1D(name="pool")(x)
    # float32 whatever the policy: losses and top-k metrics need it
    logits = keras.layers.Dense(num_classes, kernel_initializer="zeros", name="head", dtype="float32")(x)
    return keras.Model(pixels, logits, name=name)


def blocks(model) -> list:
    """Returns the blocks of a classifier, in order.

    Raises:
        ValueError: the model was not built by `classifier`.
    """
    found = [layer for layer in model.layers if layer.name.startswith("block_")]
    if not found:
        raise ValueError(f"the model {model.name!r} has no layers named block_1, block_2, …: build it by classifier()")
    return found


def multiply_adds(model) -> int:
    """Returns the multiply-adds that one picture costs a classifier: every product inside a dense layer.

    LayerNorms, GELUs and additions are not counted, as is usual.
    """
    total = 0
    for layer in model.layers:
        if hasattr(layer, "multiply_adds"):
            total += layer.multiply_adds(layer.input.shape)
    head = model.get_layer("head").kernel.shape
    return total + head[0] * head[1]


def describe(model) -> dict:
    """Returns what a result card keeps of a classifier: its sizes, weights and multiply-adds."""
    first, block = model.get_layer("patch_embedding"), blocks(model)[0]
    sizes = {key: value for key, value in block.get_config().items() if key.endswith(("_dim", "dropout"))}
    return {
        "name": model.name,
        "input_shape": list(model.input_shape[1:]),
        "num_classes": int(model.output_shape[-1]),
        "block": type(block).__name__,
        "depth": len(blocks(model)),
        "patch_size": first.patch_size,
        "tokens": int(block.input.shape[1]),
        "embed_dim": first.embed_dim,
        **sizes,
        "drop_path": blocks(model)[-1].get_config()["drop_path"],
        "weights": int(model.count_params()),
        "multiply_adds": int(multiply_adds(model)),
    }

"""From layers to a classifier: one skeleton for every paper, and the named configurations.

Each network is: pixels → patch embedding → `depth` blocks → LayerNorm → mean over the tokens → dense head. Only the
block differs from paper to paper. The head starts at zero, so that an untrained network says "all classes alike".
"""

import difflib
from dataclasses import dataclass, fields, replace
from numbers import Integral

import keras

from course_utils.layers import (
    ClassToken,
    FirstToken,
    FNetBlock,
    GMLPBlock,
    LocalitySelfAttention,
    MixerBlock,
    NoMixingBlock,
    PatchEmbedding,
    PositionEmbedding,
    ShiftedPatchTokenization,
    TransformerBlock,
)
from course_utils.layers.mixer import EPSILON
from course_utils.mimetic import start_mimetic

POOLS = ("mean", "class_token")
ATTENTION_STARTS = ("glorot", "mimetic")


@dataclass(frozen=True)
class Config:
    """The sizes of one network.

    Attributes:
        mixing: how tokens are mixed: "mixer", "fnet", "gmlp", "vit", "small_data_vit" or "no_mixing".
        patch_size: side of a patch in pixels.
        embed_dim: width `d` of a token.
        depth: number of blocks.
        channels_mlp_dim: hidden width of the MLP along the channels.
        tokens_mlp_dim: hidden width of the MLP along the tokens ("mixer" only).
        num_heads: heads of the attention ("vit" and "small_data_vit" only).
        position_embedding: add a learned vector for each position.
        pool: what the head sees: the "mean" over the tokens, or a "class_token".
        token_mixing: how an FNet mixes: "fourier", "linear", "random" or "none" ("fnet" only).
        fourier_norm: "none" or "ortho" ("fnet" only).
        gate_bias_start: first value of the gate's bias ("gmlp" only).
        shifted_patches: tokens from shifted patches, SPT ("small_data_vit" only).
        shift: how far, as a fraction of the patch ("small_data_vit" with shifted patches only).
        temperature: learn the attention's temperature, the first half of LSA ("small_data_vit" only).
        mask_diagonal: no token attends to itself, the second half of LSA ("small_data_vit" only).
        attention_start: first weights of attention and positions: "glorot" (Keras' usual ones; positions normal, 0.02),
            or "mimetic", as in trained ViTs ("vit" and "small_data_vit" only; see `course_utils.mimetic`).
        dropout: dropout in every MLP and attention.
        drop_path: probability of dropping a branch in the last block; it grows linearly from 0 in the first block.
    """

    mixing: str
    patch_size: int
    embed_dim: int
    depth: int
    channels_mlp_dim: int
    tokens_mlp_dim: int = 0
    num_heads: int = 0
    position_embedding: bool = False
    pool: str = "mean"
    token_mixing: str = "fourier"
    fourier_norm: str = "none"
    gate_bias_start: float = 1.0
    shifted_patches: bool = True
    shift: float = 0.5
    temperature: bool = True
    mask_diagonal: bool = True
    attention_start: str = "glorot"
    dropout: float = 0.0
    drop_path: float = 0.0


# "tiny" and "course" have one width, depth and patch size for all papers; "course" has the published lessons' 64
# tokens, on 32 × 32 pixels instead of 64 × 64. All others are the papers' own: arXiv 2105.01601, table 1 (Mixer);
# 2105.03824, table 1, on patches instead of words (FNet); 2105.08050, table 1 (gMLP); 2010.11929, table 1 (ViT);
# 2112.13492, section 4.1 (small data).
CONFIGS = {
    "mixer_tiny": Config("mixer", 8, 64, 2, channels_mlp_dim=128, tokens_mlp_dim=64),
    "mixer_course": Config("mixer", 4, 128, 4, channels_mlp_dim=256, tokens_mlp_dim=64),
    "mixer_s16": Config("mixer", 16, 512, 8, channels_mlp_dim=2048, tokens_mlp_dim=256),
    "mixer_b16": Config("mixer", 16, 768, 12, channels_mlp_dim=3072, tokens_mlp_dim=384),
    "fnet_tiny": Config("fnet", 8, 64, 2, channels_mlp_dim=256, position_embedding=True),
    "fnet_course": Config("fnet", 4, 128, 4, channels_mlp_dim=512, position_embedding=True),
    "fnet_base": Config("fnet", 16, 768, 12, channels_mlp_dim=3072, position_embedding=True),
    "gmlp_tiny": Config("gmlp", 8, 64, 2, channels_mlp_dim=192),
    "gmlp_course": Config("gmlp", 4, 128, 4, channels_mlp_dim=768),
    "gmlp_ti16": Config("gmlp", 16, 128, 30, channels_mlp_dim=768),
    "gmlp_s16": Config("gmlp", 16, 256, 30, channels_mlp_dim=1536),
    "gmlp_b16": Config("gmlp", 16, 512, 30, channels_mlp_dim=3072),
    "vit_tiny": Config("vit", 8, 64, 2, channels_mlp_dim=128, num_heads=4, position_embedding=True),
    "vit_course": Config("vit", 4, 128, 4, channels_mlp_dim=256, num_heads=4, position_embedding=True),
    "vit_b16": Config(
        "vit", 16, 768, 12, channels_mlp_dim=3072, num_heads=12, position_embedding=True, pool="class_token"
    ),
    "small_data_vit_tiny": Config(
        "small_data_vit", 8, 64, 2, channels_mlp_dim=128, num_heads=4, position_embedding=True
    ),
    "small_data_vit_course": Config(
        "small_data_vit", 4, 128, 4, channels_mlp_dim=256, num_heads=4, position_embedding=True
    ),
    "small_data_vit_paper": Config(
        "small_data_vit", 4, 192, 9, 384, num_heads=12, position_embedding=True, pool="class_token", drop_path=0.1
    ),
    # The published lessons' sizes, on pictures enlarged to 64 (ViTs: 72) pixels, without their defects.
    "mixer_published": Config("mixer", 8, 256, 4, channels_mlp_dim=64, tokens_mlp_dim=64, dropout=0.2),
    "fnet_published": Config("fnet", 8, 256, 4, channels_mlp_dim=256, position_embedding=True, dropout=0.2),
    "gmlp_published": Config("gmlp", 8, 256, 4, channels_mlp_dim=512, dropout=0.2),
    "vit_published": Config("vit", 6, 64, 8, channels_mlp_dim=128, num_heads=4, position_embedding=True, dropout=0.1),
    "small_data_vit_published": Config(
        "small_data_vit", 6, 64, 8, channels_mlp_dim=128, num_heads=4, position_embedding=True, dropout=0.1
    ),
    "no_mixing_tiny": Config("no_mixing", 8, 64, 2, channels_mlp_dim=128),
    "no_mixing_course": Config("no_mixing", 4, 128, 4, channels_mlp_dim=256),
}


def _mixer(config: Config, **common):
    return MixerBlock(config.tokens_mlp_dim, config.channels_mlp_dim, **common)


def _fnet(config: Config, **common):
    return FNetBlock(config.channels_mlp_dim, mixing=config.token_mixing, fourier_norm=config.fourier_norm, **common)


def _gmlp(config: Config, **common):
    return GMLPBlock(config.channels_mlp_dim, gate_bias_start=config.gate_bias_start, **common)


def _vit(config: Config, **common):
    return TransformerBlock(config.num_heads, config.channels_mlp_dim, **common)


def _small_data_vit(config: Config, **common):
    if not (config.temperature or config.mask_diagonal):
        return _vit(config, **common)
    attention = LocalitySelfAttention(
        config.num_heads,
        config.dropout,
        temperature=config.temperature,
        mask_diagonal=config.mask_diagonal,
        name="attention",
    )
    return TransformerBlock(config.num_heads, config.channels_mlp_dim, attention=attention, **common)


def _no_mixing(config: Config, **common):
    return NoMixingBlock(config.channels_mlp_dim, **common)


_BLOCKS = {
    "mixer": _mixer,
    "fnet": _fnet,
    "gmlp": _gmlp,
    "vit": _vit,
    "small_data_vit": _small_data_vit,
    "no_mixing": _no_mixing,
}


def _tokenization(config: Config):
    if config.mixing == "small_data_vit" and config.shifted_patches:
        return ShiftedPatchTokenization(config.patch_size, config.embed_dim, config.shift, name="patch_embedding")
    return PatchEmbedding(config.patch_size, config.embed_dim, name="patch_embedding")


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
        if set(changes) - {"attention_start"}:  # which a name of its own tells
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

    if config.mixing not in _BLOCKS:
        known = ", ".join(map(repr, _BLOCKS))
        raise ValueError(f"Config: mixing must be one of {known}, but it is {config.mixing!r}")
    if config.pool not in POOLS:
        raise ValueError(f"Config: pool must be 'mean' or 'class_token', but it is {config.pool!r}")
    if config.attention_start not in ATTENTION_STARTS:
        raise ValueError(
            f"Config: attention_start must be 'glorot' or 'mimetic', but it is {config.attention_start!r}"
        )
    mimetic = config.attention_start == "mimetic"
    if mimetic and "vit" not in config.mixing:
        raise ValueError(f"Config: attention_start='mimetic' needs attention, but mixing is {config.mixing!r}")
    if mimetic:
        name += "_mimetic"  # no weight's shape tells it: a card and a checkpoint know it by this
    if seed is not None:
        if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= seed < 2**32:
            raise ValueError(f"classifier: seed must be a whole number from 0 to 2³² − 1, but it is {seed!r}")
        keras.utils.set_random_seed(int(seed))
    pixels = keras.Input(input_shape, name="pixels")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scale")(pixels)  # 0…255 to -1…1
    x = _tokenization(config)(x)
    if config.pool == "class_token":
        x = ClassToken(name="class_token")(x)
    if config.position_embedding:
        x = PositionEmbedding(name="position_embedding")(x)
    for i in range(config.depth):
        rate = config.drop_path * i / max(config.depth - 1, 1)
        x = _BLOCKS[config.mixing](config, dropout=config.dropout, drop_path=rate, name=f"block_{i + 1}")(x)
    x = keras.layers.LayerNormalization(epsilon=EPSILON, name="final_norm")(x)
    if config.pool == "class_token":
        x = FirstToken(name="pool")(x)
    else:
        x = keras.layers.GlobalAveragePooling1D(name="pool")(x)
    # float32 whatever the policy: losses and top-k metrics need it
    logits = keras.layers.Dense(num_classes, kernel_initializer="zeros", name="head", dtype="float32")(x)
    model = keras.Model(pixels, logits, name=name)
    if mimetic:
        positions = model.get_layer("position_embedding") if config.position_embedding else None
        grid = input_shape[0] // config.patch_size, input_shape[1] // config.patch_size
        start_mimetic([block.attention for block in blocks(model)], positions, grid, seed)
    return model


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
    """Returns the multiply-adds that one picture costs a classifier: the products in dense layers, attention and gates.

    LayerNorms, softmax, GELUs, Fourier transforms and additions are not counted.
    """
    total = 0
    for layer in model.layers:
        if hasattr(layer, "multiply_adds"):
            total += layer.multiply_adds(layer.input.shape)
    head = model.get_layer("head").kernel.shape
    return total + head[0] * head[1]


def describe(model) -> dict:
    """Returns what a result card keeps of a classifier: its sizes, weights and multiply-adds.

    Raises:
        ValueError: the model was not built by `classifier`.
    """
    block = blocks(model)[0]
    first = model.get_layer("patch_embedding")
    attention = getattr(block, "attention", None)
    sizes = {**block.get_config(), **(attention.get_config() if attention else {})}
    kept = ("_dim", "dropout", "num_heads", "mixing", "_norm", "_start", "temperature", "mask_diagonal")
    return {
        "name": model.name,
        "input_shape": list(model.input_shape[1:]),
        "num_classes": int(model.output_shape[-1]),
        "tokenization": type(first).__name__,
        "block": type(block).__name__,
        "attention": type(attention).__name__ if attention else None,
        "pool": "class_token" if isinstance(model.get_layer("pool"), FirstToken) else "mean",
        "position_embedding": any(layer.name == "position_embedding" for layer in model.layers),
        "depth": len(blocks(model)),
        "patch_size": first.patch_size,
        "tokens": int(first.output.shape[1]),
        "embed_dim": first.embed_dim,
        **({"shift": first.shift} if isinstance(first, ShiftedPatchTokenization) else {}),
        **{key: value for key, value in sizes.items() if key.endswith(kept)},
        "drop_path": blocks(model)[-1].get_config()["drop_path"],
        "weights": int(model.count_params()),
        "multiply_adds": int(multiply_adds(model)),
    }

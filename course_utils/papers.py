"""The papers of the course, in its order: the one list that every other list is made from."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras

from course_utils import layers

if TYPE_CHECKING:
    from course_utils.models import Config

Grid = tuple[int, int]


def embedded(config: "Config") -> keras.layers.Layer:
    """Makes the tokens of most papers: patches, each through one dense layer."""
    return layers.PatchEmbedding(config.patch_size, config.embed_dim, name="patch_embedding")


def shifted(config: "Config") -> keras.layers.Layer:
    """Makes the small-data paper's tokens: shifted patches, unless they are switched off."""
    if not config.shifted_patches:
        return embedded(config)
    return layers.ShiftedPatchTokenization(config.patch_size, config.embed_dim, config.shift, name="patch_embedding")


@dataclass(frozen=True)
class Paper:
    """One paper, or one network that stands beside them.

    `block` makes one block from the configuration, the grid of tokens `(rows, columns)`, and by keyword what all blocks
    take: `dropout`, `drop_path` and `name`. `tokens` makes the layer from images `(b, h, w, c)` to tokens `(b, n, d)`.
    """

    key: str  # its name in configurations, cards and lessons
    title: str  # its name for readers
    arxiv: str | None  # where its block comes from, an arXiv id; None for the baseline
    block: Callable[..., keras.layers.Layer]
    lesson: str | None = None
    keras_io: str | None = None  # the name of the keras.io example about it
    tokens: Callable[["Config"], keras.layers.Layer] = embedded
    uses: tuple[str, ...] = ()  # the fields of `Config` that it has a use for, besides those that all papers share

    @property
    def keras_io_page(self) -> str | None:
        """The address of the keras.io example."""
        return self.keras_io and f"https://keras.io/examples/vision/{self.keras_io}/"


def made_of(block: type) -> Callable[..., keras.layers.Layer]:
    """Returns what makes a paper's block from a configuration: each argument is the field of its name."""
    known_by_all = ("dropout", "drop_path")
    wanted = [name for name in inspect.signature(block.__init__).parameters if name not in known_by_all]  # type: ignore

    def make(config: "Config", grid: Grid, **common):
        known = vars(config) | {"mlp_dim": config.channels_mlp_dim, "mixing": config.token_mixing, "grid": grid}
        return block(**{name: known[name] for name in wanted if name in known}, **common)

    return make


def _small_data_vit(config: "Config", grid: Grid, **common):
    if not (config.temperature or config.mask_diagonal):
        return made_of(layers.TransformerBlock)(config, grid, **common)
    attention = made_of(layers.LocalitySelfAttention)(config, grid, dropout=config.dropout, name="attention")
    return made_of(layers.TransformerBlock)(config, grid, attention=attention, **common)


_MLPS, _VIT = "mlp_image_classification", "image_classification_with_vision_transformer"  # keras.io's names
_TOKENS, _FOURIER, _ATTENDS = ("tokens_mlp_dim",), ("token_mixing", "fourier_norm"), ("num_heads", "attention_start")
_SMALL = (*_ATTENDS, "shifted_patches", "shift", "temperature", "mask_diagonal")

PAPERS = {
    paper.key: paper
    for paper in (
        Paper("mixer", "MLP-Mixer", "2105.01601", made_of(layers.MixerBlock), "01_mlp_mixer", _MLPS, uses=_TOKENS),
        Paper("fnet", "FNet", "2105.03824", made_of(layers.FNetBlock), "02_fnet", _MLPS, uses=_FOURIER),
        Paper("gmlp", "gMLP", "2105.08050", made_of(layers.GMLPBlock), "03_gmlp", _MLPS, uses=("gate_bias_start",)),
        Paper("vit", "ViT", "2010.11929", made_of(layers.TransformerBlock), "04_vit", _VIT, uses=_ATTENDS),
        Paper(
            "small_data_vit", "SPT + LSA", "2112.13492", _small_data_vit, "05_small_data_vit", "vit_small_ds",
            tokens=shifted, uses=_SMALL,
        ),
        Paper("conv", "CNN", "2210.13452", made_of(layers.ConvBlock), uses=("kernel_size",)),
        Paper("no_mixing", "no mixing", None, made_of(layers.NoMixingBlock)),
    )
}  # fmt: skip
"""{key: paper}. The two without a lesson stand beside the others: what every student asks for, and what must fail."""

WITH_LESSON = tuple(key for key, paper in PAPERS.items() if paper.lesson)
WITH_KERAS_IO = tuple(key for key, paper in PAPERS.items() if paper.keras_io)

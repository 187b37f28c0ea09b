"""The sizes of a network: `Config`, and the named configurations."""

import difflib
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from course_utils.checked import Flag, Number, Share, Size, Whole, arguments, checked, shown
from course_utils.papers import PAPERS


@checked
class Config:
    """The sizes of one network. What a paper has no use for (`Paper.uses`) keeps its default.

    Attributes:
        mixing: how tokens are mixed: a key of `PAPERS`.
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
            or "mimetic", as in trained ViTs ("vit" and "small_data_vit" only; see `models.initializers`).
        kernel_size: side of the window that mixes neighbouring tokens, odd ("conv" only).
        dropout: dropout in every MLP and attention.
        drop_path: probability of dropping a branch in the last block; it grows linearly from 0 in the first block.

    Raises:
        ValueError: a field is not as described, or the paper has no use for it; the message names it.
    """

    mixing: str
    patch_size: Size
    embed_dim: Size
    depth: Size
    channels_mlp_dim: Size
    tokens_mlp_dim: Annotated[Whole, Field(le=2**15)] = 0
    num_heads: Annotated[Whole, Field(le=2**15)] = 0
    position_embedding: Flag = False
    pool: Literal["mean", "class_token"] = "mean"
    token_mixing: Literal["fourier", "linear", "random", "none"] = "fourier"
    fourier_norm: Literal["none", "ortho"] = "none"
    gate_bias_start: Number = 1.0
    shifted_patches: Flag = True
    shift: Number = 0.5
    temperature: Flag = True
    mask_diagonal: Flag = True
    attention_start: Literal["glorot", "mimetic"] = "glorot"
    kernel_size: Size = 3
    dropout: Share = 0.0
    drop_path: Share = 0.0

    def __post_init__(self):
        if self.mixing not in PAPERS:
            raise ValueError(f"Config: mixing must be one of {', '.join(map(repr, PAPERS))}, but it is {self.mixing!r}")
        uses = PAPERS[self.mixing].uses
        for name in {name for paper in PAPERS.values() for name in paper.uses}:
            value = getattr(self, name)
            if name in uses and type(value) is int and value < 1:
                raise ValueError(f"Config: {self.mixing!r} needs {name} of at least 1, but it is {value}")
            if name not in uses and value != getattr(Config, name):
                raise ValueError(f"Config: {self.mixing!r} has no use for {name}={value!r}")
        if self.shift != Config.shift and not self.shifted_patches:
            raise ValueError(f"Config: shifted_patches=False has no use for shift={self.shift!r}")

    @property
    def label(self) -> str:
        """Its name for tables and legends, such as "vit_course" or "vit_course, attention_start=mimetic"."""
        changes = {
            name: [f"{field}={value}" for field, value in vars(self).items() if value != getattr(known, field)]
            for name, known in CONFIGS.items()
            if known.mixing == self.mixing
        }
        name = min(changes, key=lambda name: len(changes[name]), default=self.mixing)
        return ", ".join([name, *changes.get(name, ())])


# The numbers: patch size, width, depth, and hidden width along the channels. "tiny" and "course" share the first three
# among all papers; "course" has the keras.io examples' 64 tokens, on 32 × 32 pixels, not 64 × 64. All others are the
# papers' own: arXiv 2105.01601, table 1 (Mixer); 2105.03824, table 1, on patches instead of words (FNet); 2105.08050,
# table 1 (gMLP); 2010.11929, table 1 (ViT-B); 2106.10270, table 1 (ViT-Ti); 2112.13492, section 4.1 (small data).
CONFIGS = {
    "mixer_tiny": Config("mixer", 8, 64, 2, 128, tokens_mlp_dim=64),
    "mixer_course": Config("mixer", 4, 128, 4, 256, tokens_mlp_dim=64),
    "mixer_s16": Config("mixer", 16, 512, 8, 2048, tokens_mlp_dim=256),
    "mixer_b16": Config("mixer", 16, 768, 12, 3072, tokens_mlp_dim=384),
    "fnet_tiny": Config("fnet", 8, 64, 2, 256, position_embedding=True),
    "fnet_course": Config("fnet", 4, 128, 4, 512, position_embedding=True),
    "fnet_base": Config("fnet", 16, 768, 12, 3072, position_embedding=True),
    "gmlp_tiny": Config("gmlp", 8, 64, 2, 192),
    "gmlp_course": Config("gmlp", 4, 128, 4, 768),
    "gmlp_ti16": Config("gmlp", 16, 128, 30, 768),
    "gmlp_s16": Config("gmlp", 16, 256, 30, 1536),
    "gmlp_b16": Config("gmlp", 16, 512, 30, 3072),
    "vit_tiny": Config("vit", 8, 64, 2, 128, num_heads=4, position_embedding=True),
    "vit_course": Config("vit", 4, 128, 4, 256, num_heads=4, position_embedding=True),
    "vit_ti16": Config("vit", 16, 192, 12, 768, num_heads=3, position_embedding=True, pool="class_token"),
    "vit_b16": Config("vit", 16, 768, 12, 3072, num_heads=12, position_embedding=True, pool="class_token"),
    "small_data_vit_tiny": Config("small_data_vit", 8, 64, 2, 128, num_heads=4, position_embedding=True),
    "small_data_vit_course": Config("small_data_vit", 4, 128, 4, 256, num_heads=4, position_embedding=True),
    "small_data_vit_paper": Config(
        "small_data_vit", 4, 192, 9, 384, num_heads=12, position_embedding=True, pool="class_token", drop_path=0.1
    ),
    # The keras.io examples' sizes, on images enlarged to 64 (ViTs: 72) pixels, without their defects.
    "mixer_keras_io": Config("mixer", 8, 256, 4, 64, tokens_mlp_dim=64, dropout=0.2),
    "fnet_keras_io": Config("fnet", 8, 256, 4, 256, position_embedding=True, dropout=0.2),
    "gmlp_keras_io": Config("gmlp", 8, 256, 4, 512, dropout=0.2),
    "vit_keras_io": Config("vit", 6, 64, 8, 128, num_heads=4, position_embedding=True, dropout=0.1),
    "small_data_vit_keras_io": Config(
        "small_data_vit", 6, 64, 8, 128, num_heads=4, position_embedding=True, dropout=0.1
    ),
    "conv_tiny": Config("conv", 8, 64, 2, 128),
    "conv_course": Config("conv", 4, 128, 4, 512),
    "no_mixing_tiny": Config("no_mixing", 8, 64, 2, 128),
    "no_mixing_course": Config("no_mixing", 4, 128, 4, 256),
}


@arguments
def named_config(name: str, **changes) -> Config:
    """Returns a configuration by name (a paper's alone means its "tiny" one), with changes; ValueError if none such."""
    key = name if name in CONFIGS else f"{name}_tiny"
    if key not in CONFIGS:
        close = difflib.get_close_matches(name, [*PAPERS, *CONFIGS], n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"classifier: unknown configuration {shown(name)}; choose from {', '.join(CONFIGS)}{hint}")
    return replace(CONFIGS[key], **changes)

"""The layers of the course: one paper, one file.

Every layer is a registered Keras 3 layer written with `keras.ops` alone, so that TensorFlow, JAX and PyTorch all
run it. Shapes are written `(b, n, d)`: `b` images, `n` tokens (patches), `d` channels.
"""

from course_utils.layers.base import DropPath, TokenLayer
from course_utils.layers.conv import ConvBlock
from course_utils.layers.fnet import FNetBlock, FourierMixing, LinearMixing
from course_utils.layers.gmlp import GMLPBlock, SpatialGatingUnit
from course_utils.layers.mixer import MixerBlock, NoMixingBlock
from course_utils.layers.mlp import MLP
from course_utils.layers.patches import PatchEmbedding, Patches, PositionEmbedding
from course_utils.layers.small_data_vit import LocalitySelfAttention, ShiftedPatchTokenization
from course_utils.layers.vit import ClassToken, FirstToken, SelfAttention, TransformerBlock

__all__ = [
    "MLP", "ClassToken", "ConvBlock", "DropPath", "FNetBlock", "FirstToken", "FourierMixing", "GMLPBlock",
    "LinearMixing", "LocalitySelfAttention", "MixerBlock", "NoMixingBlock", "PatchEmbedding", "Patches",
    "PositionEmbedding", "SelfAttention", "ShiftedPatchTokenization", "SpatialGatingUnit", "TokenLayer",
    "TransformerBlock",
]  # fmt: skip

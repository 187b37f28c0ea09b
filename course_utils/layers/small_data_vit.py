"""ViT for small data sets: tokens that see beyond their patch, and attention that looks away from itself.

Source: Lee, Lee and Song 2021, "Vision Transformer for Small-Size Datasets" (arXiv 2112.13492), section 3.
"""

import math

import keras
from keras import ops

from course_utils.layers import _arguments as arguments
from course_utils.layers.mixer import EPSILON
from course_utils.layers.patches import Patches
from course_utils.layers.vit import SelfAttention

DIRECTIONS = ("left up", "right up", "left down", "right down")


@keras.saving.register_keras_serializable(package="course_utils")
class ShiftedPatchTokenization(keras.layers.Layer):
    """Makes tokens of a picture and its four diagonal shifts (SPT): `E · LN(patches([x, s1, s2, s3, s4])) + e`.

    The picture and its four copies, moved left-up, right-up, left-down and right-down, are stacked along the
    channels; what moves in at the border is zero. So a token also sees half a patch of each neighbour.
    Source: arXiv 2112.13492, section 3.1.

    Args:
        patch_size: side `p` of a patch, in pixels, even or odd. It must divide the picture's height and width.
        embed_dim: width `d` of a token.
        shift: how far a copy moves, as a fraction of the patch, from 0 to 1. The paper's is 0.5. It is rounded down
            to whole pixels: half of an odd patch of 5 is 2. With 0, the picture is seen five times.

    Input shape: `(b, h, w, c)`. Output shape: `(b, n, d)`.

    Raises:
        ValueError: as `Patches`; `embed_dim` is no positive whole number; `shift` is outside [0, 1].
    """

    def __init__(self, patch_size: int, embed_dim: int, shift: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.patch_size = arguments.positive_int("ShiftedPatchTokenization", "patch_size", patch_size)
        self.embed_dim = arguments.positive_int("ShiftedPatchTokenization", "embed_dim", embed_dim)
        self.shift = arguments.finite("ShiftedPatchTokenization", "shift", shift, least=0.0, most=1.0)
        self.patches = Patches(patch_size, name="patches", dtype=self.dtype_policy)
        self.norm = keras.layers.LayerNormalization(epsilon=EPSILON, name="norm", dtype=self.dtype_policy)
        self.projection = keras.layers.Dense(embed_dim, name="projection", dtype=self.dtype_policy)

    @property
    def shift_pixels(self) -> int:
        """How far a copy moves, in pixels."""
        return math.floor(self.patch_size * self.shift + 1e-9)  # 15/22 of 22 is 15, but floats say 14.999…

    def build(self, input_shape):
        b, h, w, c = arguments.rank("ShiftedPatchTokenization", input_shape, "b h w c")
        shape = self.patches.compute_output_shape((b, h, w, 5 * c))
        self.norm.build(shape)
        self.projection.build(shape)
        self.built = True

    def stacked(self, images):
        """Returns the picture and its four shifts along the channels: `(b, h, w, c) -> (b, h, w, 5c)`.

        The order is: the picture itself, then moved left-up, right-up, left-down, right-down.
        """
        _, h, w, _ = arguments.rank("ShiftedPatchTokenization", images.shape, "b h w c")
        s = self.shift_pixels
        padded = ops.pad(images, ((0, 0), (s, s), (s, s), (0, 0)))
        # A window that starts further down and right shows the picture moved up and left.
        corners = ((s, s), (2 * s, 2 * s), (2 * s, 0), (0, 2 * s), (0, 0))
        return ops.concatenate([padded[:, top : top + h, left : left + w] for top, left in corners], axis=-1)

    def call(self, images):
        return self.projection(self.norm(self.patches(self.stacked(images))))

    def compute_output_shape(self, input_shape):
        b, n, _ = self.patches.compute_output_shape(input_shape)
        return b, n, self.embed_dim

    def multiply_adds(self, input_shape) -> int:
        """Returns the multiply-adds for one picture of `input_shape` `(b, h, w, c)`."""
        _, n, values = self.patches.compute_output_shape(input_shape)
        return n * 5 * values * self.embed_dim

    def get_config(self):
        return {
            **super().get_config(),
            "patch_size": self.patch_size,
            "embed_dim": self.embed_dim,
            "shift": self.shift,
        }


@keras.saving.register_keras_serializable(package="course_utils")
class LocalitySelfAttention(SelfAttention):
    """Self-attention with a learned temperature and without looking at itself (LSA).

        A = softmax(mask(Q · Kᵀ) / τ)        τ: one learned number for each head, √head_dim at the start
                                             mask: the diagonal is −∞, so that no token attends to itself

    The mask is a constant. A class token's own entry is masked like every other.
    Source: arXiv 2112.13492, section 3.2.

    Args:
        num_heads: number of heads; it must divide `d`.
        dropout: dropout on the attention weights and on the output, at least 0 and below 1.
        temperature: learn the temperature; False keeps √head_dim.
        mask_diagonal: set the diagonal to −∞; False keeps it.

    Input shape: `(b, n, d)` with at least 2 tokens if the diagonal is masked. Output shape: as `SelfAttention`.

    Raises:
        ValueError: as `SelfAttention`; `temperature` or `mask_diagonal` is neither True nor False; one token only.
    """

    def __init__(
        self, num_heads: int, dropout: float = 0.0, temperature: bool = True, mask_diagonal: bool = True, **kwargs
    ):
        super().__init__(num_heads, dropout, **kwargs)
        self.use_temperature = arguments.true_or_false("LocalitySelfAttention", "temperature", temperature)
        self.mask_diagonal = arguments.true_or_false("LocalitySelfAttention", "mask_diagonal", mask_diagonal)

    def build(self, input_shape):
        super().build(input_shape)
        if self.mask_diagonal and input_shape[1] < 2:
            raise ValueError("LocalitySelfAttention: with a masked diagonal one token alone has nobody to attend to")
        start = math.sqrt(self.head_dim)
        self.temperature = (
            self.add_weight(shape=(self.num_heads,), initializer=keras.initializers.Constant(start), name="temperature")
            if self.use_temperature
            else None
        )

    def scores(self, x):
        """Returns what the softmax gets, float32 `(b, num_heads, n, n)`: `mask(Q · Kᵀ) / τ`."""
        products = self.products(x)
        if self.temperature is None:
            scores = products / math.sqrt(self.head_dim)
        else:
            scores = products / ops.cast(self.temperature, "float32")[:, None, None]
        if self.mask_diagonal:
            scores = ops.where(ops.eye(x.shape[1], dtype="bool"), -math.inf, scores)
        return scores

    def get_config(self):
        return {
            **super().get_config(),
            "temperature": self.use_temperature,
            "mask_diagonal": self.mask_diagonal,
        }

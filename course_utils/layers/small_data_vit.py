"""ViT for small data sets: tokens that see beyond their patch, and attention that looks away from itself.

Source: Lee, Lee and Song 2021, "Vision Transformer for Small-Size Datasets" (arXiv 2112.13492), section 3.
"""

import math

import keras
from keras import ops

from course_utils.checked import Count
from course_utils.layers.base import LayerNorm, Rate, TokenLayer
from course_utils.layers.patches import Patches
from course_utils.layers.vit import SelfAttention

DIRECTIONS = ("left up", "right up", "left down", "right down")


class ShiftedPatchTokenization(TokenLayer):
    """Makes tokens of an image and its four diagonal shifts (SPT): `E · LN(patches([x, s1, s2, s3, s4])) + e`.

    The image and its four copies, moved left-up, right-up, left-down and right-down, are stacked along the
    channels; what moves in at the border is zero. So a token also sees half a patch of each neighbour.
    Source: arXiv 2112.13492, section 3.1.

    Args:
        patch_size: side `p` of a patch, in pixels, even or odd. It must divide the image's height and width.
        embed_dim: width `d` of a token.
        shift: how far a copy moves, as a fraction of the patch, from 0 to 1. The paper's is 0.5. It is rounded down
            to whole pixels: half of an odd patch of 5 is 2. With 0, the image is seen five times.

    Input shape: `(b, h, w, c)`. Output shape: `(b, n, d)`.

    Raises:
        ValueError: as `Patches`; `embed_dim` is no positive whole number; `shift` is outside [0, 1].
    """

    axes = "b h w c"

    def __init__(self, patch_size, embed_dim: Count, shift: Rate = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.shift = shift
        self.patches = Patches(patch_size, name="patches", dtype=self.dtype_policy)
        self.norm = LayerNorm("norm", self.dtype_policy)
        self.projection = keras.layers.Dense(embed_dim, name="projection", dtype=self.dtype_policy)

    @property
    def shift_pixels(self) -> int:
        """How far a copy moves, in pixels."""
        return math.floor(self.patches.patch_size * self.shift + 1e-9)  # 15/22 of 22 is 15, but floats say 14.999…

    def stacked(self, images):
        """Returns the image and its four shifts along the channels: `(b, h, w, c) -> (b, h, w, 5c)`.

        The order is: the image itself, then moved left-up, right-up, left-down, right-down.
        """
        _, h, w, _ = images.shape
        s = self.shift_pixels
        padded = ops.pad(images, ((0, 0), (s, s), (s, s), (0, 0)))
        # A window that starts further down and right shows the image moved up and left.
        corners = ((s, s), (2 * s, 2 * s), (2 * s, 0), (0, 2 * s), (0, 0))
        return ops.concatenate([padded[:, top : top + h, left : left + w] for top, left in corners], axis=-1)

    def call(self, images):
        return self.projection(self.norm(self.patches(self.stacked(images))))


class LocalitySelfAttention(SelfAttention):
    """Self-attention with a learned temperature and without looking at itself (LSA).

        A = softmax(mask(Q · Kᵀ) / τ)        τ: one learned number for each head, √head_dim at the start
                                             mask: the diagonal is −∞, so that no token attends to itself

    The mask is a constant. A class token's own entry is masked like every other.
    Source: arXiv 2112.13492, section 3.2.

    Args:
        num_heads: number of heads; it must divide `d`.
        dropout: dropout on the attention weights and on the output.
        temperature: learn the temperature; False keeps √head_dim.
        mask_diagonal: set the diagonal to −∞; False keeps it.

    Input shape: `(b, n, d)` with at least 2 tokens if the diagonal is masked. Output shape: as `SelfAttention`.

    Raises:
        ValueError: as `SelfAttention`; `temperature` or `mask_diagonal` is neither True nor False; one token only.
    """

    def __init__(self, num_heads, dropout=0.0, temperature: bool = True, mask_diagonal: bool = True, **kwargs):
        super().__init__(num_heads, dropout, **kwargs)
        self.learns_temperature, self.mask_diagonal = temperature, mask_diagonal

    def build(self, input_shape):
        if self.mask_diagonal and input_shape[1] < 2:
            raise ValueError("LocalitySelfAttention: with a masked diagonal one token alone has nobody to attend to")
        start = math.sqrt(input_shape[-1] / self.num_heads)
        self.temperature = start
        if self.learns_temperature:
            self.temperature = self.add_weight(
                shape=(self.num_heads,), initializer=keras.initializers.Constant(start), name="temperature"
            )
        super().build(input_shape)

    def scores(self, x):
        """Returns what the softmax gets, float32 `(b, num_heads, n, n)`: `mask(Q · Kᵀ) / τ`."""
        scores = self.products(x) / ops.reshape(ops.cast(self.temperature, "float32"), (-1, 1, 1))
        return ops.where(ops.eye(x.shape[1], dtype="bool"), -math.inf, scores) if self.mask_diagonal else scores

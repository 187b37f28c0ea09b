"""From an image to tokens: patches, their embedding, and the embedding of their position.

Source: Dosovitskiy et al. 2020, "An Image is Worth 16x16 Words" (arXiv 2010.11929), section 3.1; the same first step
is used by MLP-Mixer (arXiv 2105.01601, section 2).
"""

import keras
from keras import ops

from course_utils.checked import Count
from course_utils.layers.base import TokenLayer, check_rank


class Patches(TokenLayer):
    """Cuts an image into non-overlapping square patches and flattens each into one vector.

    Nothing is computed: the numbers are the image's own, in another order. Patches come row by row; inside a patch
    the pixels come row by row, and each pixel keeps its channels together.

    Args:
        patch_size: side `p` of a patch, in pixels. It must divide the image's height and width.

    Input shape: `(b, h, w, c)`. Output shape: `(b, n, p * p * c)` with `n = (h / p) * (w / p)`.

    Raises:
        ValueError: `patch_size` is no positive whole number, the input is not `(b, h, w, c)`, or `patch_size` does
            not divide `h` and `w`.
    """

    axes = "b h w c"

    def __init__(self, patch_size: Count, **kwargs):
        super().__init__(**kwargs)
        self.patch_size = patch_size

    def _grid(self, image_shape) -> tuple:
        """Returns (rows, columns, channels) of the patch grid for an image shape `(…, h, w, c)`."""
        h, w, c = image_shape[-3:]
        p = self.patch_size
        if h is None or w is None or c is None:
            shape = tuple(image_shape)
            raise ValueError(f"Patches: height, width and channels must be known, but the shape is {shape}")
        if h % p or w % p:
            fitting = [size for size in range(2, min(h, w) + 1) if h % size == 0 and w % size == 0]
            hint = f"try one of {fitting}" if fitting else "resize the image first"
            raise ValueError(f"Patches: patch_size={p} does not divide an image of {h} × {w} pixels; {hint}")
        return h // p, w // p, c

    def call(self, images):
        rows, cols, c = self._grid(images.shape)
        p = self.patch_size
        x = ops.reshape(images, (-1, rows, p, cols, p, c))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (b, rows, cols, p, p, c)
        return ops.reshape(x, (-1, rows * cols, p * p * c))  # (b, n, p*p*c)

    def unpatch(self, tokens, image_shape):
        """Puts the patches back: the exact inverse of the call.

        Args:
            tokens: `(b, n, p * p * c)`.
            image_shape: `(h, w, c)` of the images they came from.

        Returns:
            `(b, h, w, c)`.
        """
        p = self.patch_size
        check_rank("Patches.unpatch", image_shape, "h w c")
        h, w, c = image_shape
        rows, cols, _ = self._grid(image_shape)
        shape = tuple(tokens.shape)
        check_rank("Patches.unpatch", shape, "b n p*p*c")
        if shape[1:] != (rows * cols, p * p * c):
            raise ValueError(
                f"Patches.unpatch: tokens must be (b, {rows * cols}, {p * p * c}) for an image of {h} × {w} × {c}, "
                f"but their shape is {shape}"
            )
        x = ops.reshape(tokens, (-1, rows, cols, p, p, c))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (b, rows, p, cols, p, c)
        return ops.reshape(x, (-1, h, w, c))


class PatchEmbedding(TokenLayer):
    """Turns each patch into a token: `x_i = E · patch_i + e`, the same `E` and `e` for every patch.

    Source: arXiv 2010.11929, equation 1 (without class token and positions); arXiv 2105.01601, section 2.

    Args:
        patch_size: side `p` of a patch, in pixels.
        embed_dim: width `d` of a token.

    Input shape: `(b, h, w, c)`. Output shape: `(b, n, d)`.

    Raises:
        ValueError: as `Patches`, or `embed_dim` is no positive whole number.
    """

    axes = "b h w c"

    def __init__(self, patch_size, embed_dim: Count, **kwargs):
        super().__init__(**kwargs)
        self.patches = Patches(patch_size, name="patches", dtype=self.dtype_policy)
        self.projection = keras.layers.Dense(embed_dim, name="projection", dtype=self.dtype_policy)

    def call(self, images):
        return self.projection(self.patches(images))


class PositionEmbedding(TokenLayer):
    """Adds to each token a learned vector of its position: `x_i + P_i`.

    `P` starts as normal noise of standard deviation 0.02. Source: arXiv 2010.11929, section 3.1 and appendix D.4.

    Input shape: `(b, n, d)`. Output shape: the same.

    Raises:
        ValueError: the input is not `(b, n, d)`.
    """

    def build(self, input_shape):
        noise = keras.initializers.RandomNormal(stddev=0.02)
        self.positions = self.add_weight(shape=input_shape[1:], initializer=noise, name="positions")
        super().build(input_shape)

    def call(self, x):
        return x + ops.cast(self.positions, x.dtype)

"""From a picture to tokens: patches, their embedding, and the embedding of their position.

Source: Dosovitskiy et al. 2020, "An Image is Worth 16x16 Words" (arXiv 2010.11929), section 3.1; the same first step
is used by MLP-Mixer (arXiv 2105.01601, section 2).
"""

import keras
from keras import ops

from course_utils.layers import _arguments as arguments


@keras.saving.register_keras_serializable(package="course_utils")
class Patches(keras.layers.Layer):
    """Cuts a picture into non-overlapping square patches and flattens each into one vector.

    Nothing is computed: the numbers are the picture's own, in another order. Patches come row by row; inside a patch
    the pixels come row by row, and each pixel keeps its channels together.

    Args:
        patch_size: side `p` of a patch, in pixels. It must divide the picture's height and width.

    Input shape: `(b, h, w, c)`. Output shape: `(b, n, p * p * c)` with `n = (h / p) * (w / p)`.

    Raises:
        ValueError: `patch_size` is no positive whole number, the input is not `(b, h, w, c)`, or `patch_size` does
            not divide `h` and `w`.
    """

    def __init__(self, patch_size: int, **kwargs):
        super().__init__(**kwargs)
        self.patch_size = arguments.positive_int("Patches", "patch_size", patch_size)

    def _grid(self, image_shape) -> tuple:
        """Returns (rows, columns, channels) of the patch grid for an image shape `(…, h, w, c)`."""
        h, w, c = image_shape[-3:]
        p = self.patch_size
        if h is None or w is None or c is None:
            shape = tuple(image_shape)
            raise ValueError(f"Patches: height, width and channels must be known, but the shape is {shape}")
        if h % p or w % p:
            fitting = [size for size in range(2, min(h, w) + 1) if h % size == 0 and w % size == 0]
            hint = f"try one of {fitting}" if fitting else "resize the picture first"
            raise ValueError(f"Patches: patch_size={p} does not divide a picture of {h} × {w} pixels; {hint}")
        return h // p, w // p, c

    def call(self, images):
        shape = arguments.rank("Patches", images.shape, "b h w c")
        rows, cols, c = self._grid(shape)
        p = self.patch_size
        x = ops.reshape(images, (-1, rows, p, cols, p, c))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (b, rows, cols, p, p, c)
        return ops.reshape(x, (-1, rows * cols, p * p * c))  # (b, n, p*p*c)

    def unpatch(self, tokens, image_shape):
        """Puts the patches back: the exact inverse of the call.

        Args:
            tokens: `(b, n, p * p * c)`.
            image_shape: `(h, w, c)` of the pictures they came from.

        Returns:
            `(b, h, w, c)`.
        """
        p = self.patch_size
        h, w, c = arguments.rank("Patches.unpatch", image_shape, "h w c")
        rows, cols, _ = self._grid(image_shape)
        shape = arguments.rank("Patches.unpatch", tokens.shape, "b n p*p*c")
        if tuple(shape[1:]) != (rows * cols, p * p * c):
            raise ValueError(
                f"Patches.unpatch: tokens must be (b, {rows * cols}, {p * p * c}) for a picture of {h} × {w} × {c}, "
                f"but their shape is {shape}"
            )
        x = ops.reshape(tokens, (-1, rows, cols, p, p, c))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (b, rows, p, cols, p, c)
        return ops.reshape(x, (-1, h, w, c))

    def compute_output_shape(self, input_shape):
        b, *image_shape = arguments.rank("Patches", input_shape, "b h w c")
        rows, cols, c = self._grid(image_shape)
        return b, rows * cols, self.patch_size**2 * c

    def get_config(self):
        return {**super().get_config(), "patch_size": self.patch_size}


@keras.saving.register_keras_serializable(package="course_utils")
class PatchEmbedding(keras.layers.Layer):
    """Turns each patch into a token: `x_i = E · patch_i + e`, the same `E` and `e` for every patch.

    Source: arXiv 2010.11929, equation 1 (without class token and positions); arXiv 2105.01601, section 2.

    Args:
        patch_size: side `p` of a patch, in pixels.
        embed_dim: width `d` of a token.

    Input shape: `(b, h, w, c)`. Output shape: `(b, n, d)`.

    Raises:
        ValueError: as `Patches`, or `embed_dim` is no positive whole number.
    """

    def __init__(self, patch_size: int, embed_dim: int, **kwargs):
        super().__init__(**kwargs)
        self.patch_size = arguments.positive_int("PatchEmbedding", "patch_size", patch_size)
        self.embed_dim = arguments.positive_int("PatchEmbedding", "embed_dim", embed_dim)
        self.patches = Patches(patch_size, name="patches", dtype=self.dtype_policy)
        self.projection = keras.layers.Dense(embed_dim, name="projection", dtype=self.dtype_policy)

    def build(self, input_shape):
        self.projection.build(self.patches.compute_output_shape(input_shape))
        self.built = True

    def call(self, images):
        return self.projection(self.patches(images))

    def compute_output_shape(self, input_shape):
        b, n, _ = self.patches.compute_output_shape(input_shape)
        return b, n, self.embed_dim

    def multiply_adds(self, input_shape) -> int:
        """Returns the multiply-adds for one picture of `input_shape` `(b, h, w, c)`."""
        _, n, values = self.patches.compute_output_shape(input_shape)
        return n * values * self.embed_dim

    def get_config(self):
        return {**super().get_config(), "patch_size": self.patch_size, "embed_dim": self.embed_dim}


@keras.saving.register_keras_serializable(package="course_utils")
class PositionEmbedding(keras.layers.Layer):
    """Adds to each token a learned vector of its position: `x_i + P_i`.

    `P` starts as normal noise of standard deviation 0.02. Source: arXiv 2010.11929, section 3.1 and appendix D.4.

    Input shape: `(b, n, d)`. Output shape: the same.

    Raises:
        ValueError: the input is not `(b, n, d)`.
    """

    def build(self, input_shape):
        _, n, d = arguments.rank("PositionEmbedding", input_shape, "b n d")
        self.positions = self.add_weight(
            shape=(n, d), initializer=keras.initializers.RandomNormal(stddev=0.02), name="positions"
        )
        self.built = True

    def call(self, x):
        arguments.rank("PositionEmbedding", x.shape, "b n d")
        return x + ops.cast(self.positions, x.dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

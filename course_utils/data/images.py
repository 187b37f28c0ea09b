"""Three real photographs for the explorers, and the way in for an image of your own.

The photographs lie inside the scikit-image package, so nothing is downloaded:

=========  =========================================  =====================================================
name       what it shows                              credit and licence
=========  =========================================  =====================================================
astronaut  Eileen Collins, the first woman to         NASA Great Images database; public domain, no known
           command a space shuttle                    copyright restrictions
cat        Chelsea the cat                            Stefan van der Walt; CC0
coffee     a cup at Pikolo Espresso Bar               Rachel Michetti; CC0
=========  =========================================  =====================================================
"""

import io
import numbers
import os
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np

# Name -> file in scikit-image, and the square (left, top, side) of it, in its pixels, that reads well at 64 pixels.
_PHOTOGRAPHS = {
    "astronaut": ("astronaut.png", (70, 0, 360)),
    "cat": ("chelsea.png", (75, 0, 300)),
    "coffee": ("coffee.png", (75, 0, 400)),
}


def photographs(size: int = 64) -> dict[str, np.ndarray]:
    """Three colour photographs: "astronaut", "cat" and "coffee".

    Args:
        size: height and width of each, pixels.

    Returns:
        name -> uint8 image of shape (size, size, 3).

    Raises:
        FileNotFoundError: scikit-image, or an image in it, is missing.
        ValueError: `size` is not a whole number from 1 on.
    """
    from PIL import Image

    _check_size(size)
    # The files are opened directly: `skimage.data` fetches what it does not find, and a lesson must not.
    package = find_spec("skimage")
    if package is None:
        raise FileNotFoundError(
            "the photographs come inside scikit-image, which is not installed: pip install scikit-image"
        )
    folder = Path(package.submodule_search_locations[0]) / "data"
    images = {}
    for name, (file, (left, top, side)) in _PHOTOGRAPHS.items():
        if not (folder / file).is_file():
            raise FileNotFoundError(f"{folder / file} is missing; install scikit-image again to get it back.")
        with Image.open(folder / file) as image:
            images[name] = _to_array(image.crop((left, top, left + side, top + side)), size)
    return images


def as_image(image, size: int) -> np.ndarray:
    """Make a square colour image out of nearly anything: a file, an upload's bytes, or an array.

    The middle square is cut out and resampled (Lanczos). A rotation noted by the camera (EXIF) is applied, grey
    becomes three equal channels, and what is transparent is laid on white.

    Args:
        image: the path of an image file, the bytes of one (bytes, bytearray, memoryview), an open file, a Pillow
            image, or a uint8 array of shape (height, width), (height, width, 1), (…, 3) or (…, 4).
        size: height and width wanted, pixels.

    Returns:
        uint8 image of shape (size, size, 3).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not an image that can be read, an array of the wrong shape, or a bad `size`.
        TypeError: an array that is not uint8, or none of the above.
    """
    from PIL import Image

    _check_size(size)
    if isinstance(image, np.ndarray):
        return _to_array(_from_array(image), size)
    if isinstance(image, Image.Image):
        return _to_array(image, size)
    if isinstance(image, str | os.PathLike):
        what, source = f"the file {os.fspath(image)!r}", image
        if not Path(image).is_file():
            raise FileNotFoundError(f"image: there is no file {os.fspath(image)!r}.")
    elif isinstance(image, bytes | bytearray | memoryview):
        what, source = f"these {len(image)} bytes", io.BytesIO(image)  # type: ignore[assignment]
    elif hasattr(image, "read"):
        what, source = "this open file", image
    else:
        raise TypeError(
            f"image must be a path, an image file's bytes, an open file or an array; got {type(image).__name__}."
        )
    try:
        with warnings.catch_warnings():
            # An image so large that decoding it could exhaust the memory: Pillow only warns.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(source) as opened:
                return _to_array(opened, size)
    # Pillow's readers raise many kinds of errors on broken files; all mean the same to the reader of the message.
    except Exception as error:
        raise ValueError(
            f"image: {what} cannot be read as an image ({type(error).__name__}: {error}). It may be damaged or of a "
            f"kind Pillow does not read; save it again as PNG or JPEG."
        ) from error


def _to_array(image, size: int) -> np.ndarray:
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16 bits a pixel: keep the upper 8
        image = Image.fromarray((np.asarray(image).clip(0, 65535) // 256).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.LANCZOS)
    return np.array(image)


def _from_array(array: np.ndarray):
    from PIL import Image

    if array.dtype != np.uint8:
        raise TypeError(
            f"image: an array must be uint8, 0..255; got {array.dtype}. "
            f"If its values are 0..1, convert with np.round(255 * image).astype('uint8')."
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))) or 0 in array.shape:
        raise ValueError(
            f"image: an array must have shape (height, width), or (height, width, 1, 3 or 4); got {array.shape}."
        )
    return Image.fromarray(np.ascontiguousarray(array))


def _check_size(size: int) -> None:
    if isinstance(size, bool) or not isinstance(size, numbers.Integral) or size < 1:
        raise ValueError(f"size must be a whole number of pixels, 1 or more; got {size!r}.")

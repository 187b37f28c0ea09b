"""Three real photographs for the explorers, and the way in for an image of your own.

The photographs lie inside the scikit-image package, so nothing is downloaded:

- astronaut: Eileen Collins, the first woman to command a space shuttle. NASA Great Images database; public domain, no
  known copyright restrictions.
- cat: Chelsea the cat. Stefan van der Walt; CC0.
- coffee: a cup at Pikolo Espresso Bar. Rachel Michetti; CC0.
"""

import io
import os
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from course_utils.checked import shown
from course_utils.data.checks import whole_number
from course_utils.files import user_path

# The only kinds of files that are opened, told by their content: some that Pillow knows run programs, as EPS does.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MOST_PIXELS = 90_000_000  # that are decoded at most: more could exhaust the memory
LARGEST = 4096  # pixels that the side of an image made here has at most, for the same reason

# Name -> file in scikit-image, and the square (left, top, right, bottom) of it that reads well at 64 pixels.
_PHOTOGRAPHS = {
    "astronaut": ("astronaut.png", (70, 0, 430, 360)),
    "cat": ("chelsea.png", (75, 0, 375, 300)),
    "coffee": ("coffee.png", (75, 0, 475, 400)),
}


def photographs(size: int = 64) -> dict[str, np.ndarray]:
    """Three colour photographs, "astronaut", "cat" and "coffee": name -> uint8 image (size, size, 3).

    FileNotFoundError if scikit-image, or an image in it, is missing.
    """
    whole_number("size", size, 1, LARGEST, " (pixels)")
    # The files are opened directly: `skimage.data` fetches what it does not find, and a lesson must not.
    package = find_spec("skimage")
    folder = Path(package.submodule_search_locations[0]) / "data" if package else Path("skimage/data")
    found = {}
    for name, (file, box) in _PHOTOGRAPHS.items():
        if not (folder / file).is_file():
            raise FileNotFoundError(f"{folder / file} is missing; it comes with: pip install scikit-image")
        found[name] = read(folder / file, size, box=box)
    return found


def as_image(image, size: int) -> np.ndarray:
    """Make a square colour image out of nearly anything: a file, an upload's bytes, or an array.

    The middle square is cut out and resampled (Lanczos). A rotation noted by the camera (EXIF) is applied, grey
    becomes three equal channels, and what is transparent is laid on white. Grey values of more than 8 bits are brought
    to 0..255 by what they hold: floats up to 1, or whole numbers of 8, 10, 12, 14 or 16 bits.

    Args:
        image: the path of an image file, the bytes of one (bytes, bytearray, memoryview), an open file, a Pillow
            image, or a uint8 array of shape (height, width), (height, width, 1), (…, 3) or (…, 4). Files are PNG, JPEG,
            WebP, GIF, BMP or TIFF, whatever they are called.
        size: height and width wanted, pixels: the image is uint8 (size, size, 3).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not an image that can be read, one too large, an array of the wrong shape, or a bad `size`.
        TypeError: an array that is not uint8, or none of the above.
    """
    from PIL import Image

    whole_number("size", size, 1, LARGEST, " (pixels)")
    if isinstance(image, np.ndarray):
        return _square(_from_array(image), size)
    if isinstance(image, Image.Image):
        if image.format not in (None, "MPO", *FORMATS):  # reading its pixels would run what it holds
            raise ValueError(f"image: a Pillow image of the kind {image.format} is not read; give a PNG or JPEG.")
        return _square(image, size)
    if isinstance(image, str | os.PathLike) and os.fspath(image).strip():
        path = user_path(image, "image")
        if not os.path.isfile(path):
            raise FileNotFoundError(f"image: there is no file {shown(str(path))}.")
        return read(path, size)
    if isinstance(image, bytes | bytearray | memoryview):
        return read(io.BytesIO(image), size, f"these {len(image)} bytes")
    if hasattr(image, "read"):
        return read(image, size, "this open file")
    raise TypeError(f"image must be a path, an image file's bytes, an open file or an array; got {shown(image)}.")


def read(source, size: int, what: str = "", box: tuple[int, int, int, int] | None = None) -> np.ndarray:
    """Read an image file, by its path or open, as `as_image` does: the one place where a file is opened as an image.

    `what` is what it is called in an error, its path without; `box` the part of it that is taken, (left, top, right,
    bottom), the middle square without. ValueError if it is none of `FORMATS`, damaged, or larger than `MOST_PIXELS`.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata; sizes are checked here
            with Image.open(source, formats=FORMATS) as image:
                if box is None:
                    image.draft(None, (3 * size, 3 * size))  # a large JPEG is decoded no larger than needed
                return _square(image.crop(box) if box else image, size)
    except Exception as error:  # Pillow's readers raise many kinds on broken files
        unknown = isinstance(error, UnidentifiedImageError)
        reason = f"its content is none of {', '.join(FORMATS)}" if unknown else f"{type(error).__name__}: {error}"
        raise ValueError(
            f"image: {what or f'the file {str(source)!r}'} cannot be read as an image ({reason}). Save it again as PNG "
            "or JPEG of 8 bits a channel."
        ) from error


def _square(image, size: int) -> np.ndarray:
    from PIL import Image, ImageOps

    if image.width * image.height > MOST_PIXELS:
        raise ValueError(f"{image.width} × {image.height} pixels are more than {MOST_PIXELS:,}; make it smaller")
    deep = ";16" in str(getattr(image, "tile", ""))  # 16 bits a channel, of which Pillow keeps the upper 8
    image = _upright(image)
    if image.mode == "F" or image.mode.startswith("I"):
        image = Image.fromarray(_to_8_bits(np.asarray(image)))
    elif deep and 0 < max(high for _, high in image.convert("RGB").getextrema()) < 64:
        raise ValueError("its colours have 16 bits and hold 14 or fewer; save it with 8 bits a channel")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.LANCZOS))


def _upright(image):
    """Turns an image as its camera noted; what else is in its metadata, sound or not, is read past."""
    from PIL import Image

    image.load()  # which turns a TIFF, and takes the note out
    try:
        noted = image.getexif().get(0x0112)
    except Exception:  # as many kinds as there are ways to damage it
        return image
    turns = (0, 3, 1, 5, 4, 6, 2)  # Pillow's numbers of EXIF's turns 2..8
    return image.transpose(Image.Transpose(turns[noted - 2])) if noted in range(2, 9) else image


def _to_8_bits(grey: np.ndarray) -> np.ndarray:
    """Brings grey values of any depth to 0..255 by what they hold."""
    low, high = grey.min(), grey.max()
    if grey.dtype.kind == "f" and low >= 0 and high <= 1:
        return np.rint(255 * grey).astype(np.uint8)
    if not (low >= 0 and (high == 0 or 16 <= high < 2**16)):  # NaN, too
        raise ValueError(f"its grey values, {low:g} to {high:g}, are neither 0..1 nor whole numbers of 8 to 16 bits")
    bits = next(bits for bits in (8, 10, 12, 14, 16) if high < 2**bits)
    if high > 255 and not ((grey % 256).any() and (grey % 257).any()):
        bits = 16  # 8 bits spread over 16, however dark
    return (grey / 2 ** (bits - 8)).astype(np.uint8)


def _from_array(array: np.ndarray):
    from PIL import Image

    if isinstance(array, np.ma.MaskedArray):
        raise TypeError("image: an array must not be masked: np.ma.filled(image, 0) says what is hidden.")
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

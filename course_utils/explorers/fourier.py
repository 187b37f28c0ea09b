"""The Fourier explorers: an image rebuilt from its slow waves, and FNet's mixing layer taken apart."""

from collections.abc import Mapping
from functools import cache

import keras
import numpy as np

from course_utils import figures
from course_utils.data.images import photographs
from course_utils.explorers.core import checks
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.panels import faded, see_through, signed
from course_utils.explorers.core.parts import Bar, Choice, Layer, Panel, Place, Slider, Switch
from course_utils.explorers.core.words import count, number
from course_utils.explorers.patches import default_images
from course_utils.layers import FourierMixing, Patches

REBUILT, KEPT, MISSING = "Rebuilt from the slowest waves", "The waves kept", "What is missing"
MOST_WAVES = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24)
WEAKEST, STRONGEST = 0.01, 100  # grey values: the ends of the colours for the strength of a wave


def _checked(owner: str, images, divide_by=()) -> dict[str, np.ndarray]:
    images = checks.images_of(owner, images, divide_by)
    sizes = {name: image.shape[:2] for name, image in images.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"{owner}: all images must have the same height and width, but they have {sizes}")
    return images


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "less than 0.1 %"
    return f"{100 * share:.1f} %" if share < 0.0995 or 0.995 <= share < 1 else f"{100 * share:.0f} %"


def _frequency_parts(images: dict, first: str) -> dict:
    height, width = next(iter(images.values())).shape[:2]
    down, across = (np.fft.fftfreq(side, 1 / side) for side in (height, width))
    waves = np.hypot(down[:, None], across)  # how many periods each wave has from border to border, as in `fft2`
    # Slider values are numbers of frequencies; whole circles, so that no wave comes without its mirrored twin.
    limits: dict[int, float] = {int((waves <= most).sum()): most for most in MOST_WAVES if most < waves.max()}
    limits[waves.size] = float(waves.max())

    @cache
    def spectrum(image):
        return np.fft.fft2(images[image], axes=(0, 1))

    @cache
    def low(image, k):
        return np.fft.ifft2(spectrum(image) * (waves <= limits[k])[..., None], axes=(0, 1)).real

    def as_image(image, k):
        return figures.as_rgb(np.rint(np.clip(low(image, k), 0, 255)).astype(np.uint8))

    def missing(image, k):
        return (images[image] - low(image, k)).mean(axis=-1)  # (h, w), mean of the colours

    def difference(image, k):
        return figures.diverging(missing(image, k), limit(image))

    def limit(image, **_):
        return float(np.abs(missing(image, 1)).max())

    def strengths(image, k):
        """The size of each wave in grey values, as root mean square of the colours; factors of ten lie equally far."""
        sizes = np.abs(spectrum(image)) / waves.size
        sizes = np.clip(np.sqrt(np.square(sizes).mean(axis=-1)), WEAKEST, STRONGEST)
        colours = figures.sequential(np.log(sizes / WEAKEST), np.log(STRONGEST / WEAKEST))
        colours[waves > limits[k]] = 225
        return np.fft.fftshift(colours, axes=(0, 1))

    def words(image, k):
        head = f"{image}: {count(k, 'wave')} of {waves.size} ({_percent(k / waves.size)})"
        if k == 1:
            return f"{head}: only the mean colour is left, and none of the image's contrast."
        if k == waves.size:
            return f"{head}: the image itself."
        energy = np.square(np.abs(spectrum(image))).sum(axis=-1)
        energy[0, 0] = 0  # the mean is no contrast
        share = energy[waves <= limits[k]].sum() / energy.sum() if energy.any() else 1.0
        return (
            f"{head}: all waves with at most {count(limits[k], 'period')} across the image. "
            f"They hold {_percent(share)} of its contrast (its energy without the mean)."
        )

    settings = [
        Choice("image", "Image", list(images)),
        Slider("k", "Waves kept", list(limits), [f"{k} of {waves.size}" for k in limits]),
    ]
    captions = (
        "The sum of the waves that are kept.",
        "One pixel for each wave. In the middle the mean, further out finer waves: up and down those that run from top "
        "to bottom, left and right those that run across. Bright: strong. Pale grey: left out.",
        "The image minus what is rebuilt, in grey values. Red: too dark. Blue: too bright.",
    )
    sum_of, kept, missed = ([Layer(pages, ("image", "k"))] for pages in (as_image, strengths, difference))
    bar = Bar(figures.SEQUENTIAL, [(0, "0.01"), (0.25, "0.1"), (0.5, "1"), (0.75, "10"), (1, "100")])
    panels = [
        Panel(REBUILT, sum_of, captions[0], 320),
        Panel(KEPT, kept, captions[1], 192, bar=bar),
        Panel(MISSING, missed, captions[2], 192, beneath=True, bar=signed(limit)),
    ]
    start = {"image": first, "k": list(limits)[min(5, len(limits) - 1)]}
    return {"settings": settings, "panels": panels, "words": words, "start": start}


def explore_frequencies(images: Mapping[str, np.ndarray] | None = None, size: int = 64) -> Explorer:
    """Shows an image rebuilt from its lowest two-dimensional frequencies: a few slow waves hold most of it.

    Args:
        images: {name: uint8 image `(h, w, 1 or 3)`}, all of one size; without it, those of `explore_patches`.
        size: side of the images that come without `images`.

    Raises:
        ValueError: no image, not a uint8 image, or images of different sizes.
    """
    owner = "explore_frequencies"
    size = checks.whole(owner, "size", size)
    images = _checked(owner, default_images(size) if images is None else images)
    height, width = next(iter(images.values())).shape[:2]

    def parts(own: dict) -> dict:
        return _frequency_parts({**images, **own}, [next(iter(images)), *own][-1])

    with_own = parts if height == width else None
    return Explorer("frequencies", **parts({}), title="An image is a sum of waves", with_own=with_own, side=height)


WEIGHTS, BEFORE, AFTER = "The weights of the positions", "Before: x", "After: y"
OPACITY = 0.7


def _mixing_images(size: int, patch_size: int) -> dict[str, np.ndarray]:
    """Returns a photograph, one patch of it on plain grey, and a wave along the tokens: uint8 `(size, size, 3)`."""
    cat = photographs(size)["cat"]
    columns = size // patch_size
    row, column = columns // 2, columns // 3
    alone = np.empty_like(cat)
    box = np.s_[row * patch_size : (row + 1) * patch_size, column * patch_size : (column + 1) * patch_size]
    alone[:] = np.rint(_grey(cat[box]).mean()).astype(np.uint8)
    alone[box] = cat[box]
    n = columns * columns
    wave = np.rint(127.5 + 127.5 * np.cos(2 * np.pi * columns * np.arange(n) / n))
    values = np.repeat(wave[None, :, None], patch_size * patch_size * 3, axis=-1)  # (1, n, p * p * 3)
    stripes = keras.ops.convert_to_numpy(Patches(patch_size).unpatch(values.astype("float32"), cat.shape))[0]
    return {"cat": cat, "one patch of the cat": alone, "stripes": stripes.astype(np.uint8)}


def _grey(image: np.ndarray) -> np.ndarray:
    """Returns the grey values `(h, w)` of an image, 0…255."""
    return figures.as_rgb(image) @ np.array([0.299, 0.587, 0.114])


def explore_fourier(images: Mapping[str, np.ndarray] | None = None, patch_size: int = 8, size: int = 64) -> Explorer:
    """Shows what FNet's mixing does to the tokens of an image, through the real `FourierMixing` layer.

    The tokens are the grey values of the patches, on the scale -1…1, with their mean taken out.

    Args:
        images: {name: uint8 image `(h, w, 1 or 3)`}, all of one size; without it, a cat, a patch of it, and stripes.
        patch_size: side of a patch; it must divide the images.
        size: side of the images that come without `images`.

    Raises:
        ValueError: no image, no uint8 image, images of different sizes, or a patch size that does not divide them.
    """
    owner = "explore_fourier"
    patch_size, size = (checks.whole(owner, name, n) for name, n in (("patch_size", patch_size), ("size", size)))
    if images is None and size % patch_size:
        raise ValueError(f"{owner}: patch_size={patch_size} does not divide a size of {size}")
    images = _checked(owner, _mixing_images(size, patch_size) if images is None else images, [patch_size])
    grid = tuple(side // patch_size for side in next(iter(images.values())).shape[:2])
    n = grid[0] * grid[1]

    @cache
    def before(image, **_):
        x = _grey(images[image]) / 127.5 - 1
        x = Patches(patch_size)((x - x.mean())[None, :, :, None].astype("float32"))  # (1, n, p * p)
        return keras.ops.convert_to_numpy(x)[0]

    @cache
    def after(image, tokens, channels):
        y = FourierMixing(tokens=tokens, channels=channels)(before(image)[None])
        return keras.ops.convert_to_numpy(y)[0]

    positions = np.arange(n)
    weights = {True: np.cos(2 * np.pi * positions[:, None] * positions / n), False: np.eye(n)}  # (k, j)

    def weight_maps(tokens):
        return see_through(figures.diverging(weights[tokens].reshape(-1, *grid), 1), OPACITY)

    def limit(values):
        return float(np.abs(values).max())

    def table(values):
        return figures.diverging(np.sign(values) * np.sqrt(np.abs(values)), np.sqrt(limit(values)))

    def bar(values):
        """Numbers beside the colours of `table`."""
        return signed(lambda **state: limit(values(**state)), scale="sqrt")

    def words(image, tokens, channels, token):
        k, head = token, f"{image}: output token {token}"
        tail = f" The largest of its numbers is {number(max(after(image, tokens, channels)[k], key=abs))}."
        if not tokens:
            how = "its numbers are transformed, but" if channels else "nothing is transformed, and"
            return f"{head} is made of input token {k} alone: {how} no position meets another.{tail}"
        if k == 0:
            return f"{head} is the plain sum over all {n} positions, each with the weight 1.{tail}"
        same = "" if 2 * k == n else f" Output token {n - k} has the same weights."
        return (
            f"{head} is a sum over all {n} positions with the weights cos(2π·{k}·j/{n}): "
            f"{count(min(k, n - k), 'wave')} along the row of tokens.{same}{tail}"
        )

    settings = [
        Choice("image", "Image", list(images)),
        Switch("tokens", "Transform over the tokens"),
        Switch("channels", "Transform over the channels"),
        Place("token", "Output token k", grid),
    ]
    captions = (
        "Point at an output token k. The outline is its place, the colours are those of the positions j: it adds red "
        "ones, subtracts blue ones, leaves pale ones out. (With both transforms this is its channel 0; in its other "
        "channels the waves are as long, but shifted.)",
        "A row is a token: the grey values of one patch, without the mean. Colours follow the square root.",
        "What the layer gives. The outlined row is the output token pointed at. Mind the numbers at the bar.",
    )
    ground = [faded(images), Layer(weight_maps, ("tokens", "token"))]
    given = [Layer(lambda image: table(before(image)), ("image",))]
    made = [Layer(lambda **state: table(after(**state)), ("image", "tokens", "channels"))]
    axes: list[dict] = [
        {"x_label": "channel", "y_label": "token j"},
        {"x_label": "output channel", "y_label": "output token k"},
    ]
    panels = [
        Panel(WEIGHTS, ground, captions[0], 192, "grid", lines=True, bar=signed(lambda **_: 1)),
        Panel(BEFORE, given, captions[1], 192, beneath=True, bar=bar(before), **axes[0]),
        Panel(AFTER, made, captions[2], 320, "rows", bar=bar(after), **axes[1]),
    ]
    start = {"image": next(iter(images)), "tokens": True, "channels": False, "token": min(3, n - 1)}
    return Explorer("fourier", settings, panels, words, title="FNet's mixing, one transform at a time", start=start)

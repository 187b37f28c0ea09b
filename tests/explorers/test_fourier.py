"""The Fourier explorers, against sums and cosines written out in NumPy."""

import re

import numpy as np
import pytest

from course_utils import explorers, figures
from course_utils.explorers.fourier import AFTER, BEFORE, KEPT, MISSING, REBUILT, WEIGHTS
from tests.explorers.support import images

# ---- an image from its waves -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def frequencies():
    return explorers.explore_frequencies()


def slow(image, most):
    """Returns the slow waves of an image and which they are, both found by going through all frequencies."""
    h, w, _ = image.shape
    spectrum = np.fft.fft2(image.astype("float64"), axes=(0, 1))
    kept = np.zeros((h, w), bool)
    for u in range(h):
        for v in range(w):
            kept[u, v] = min(u, h - u) ** 2 + min(v, w - v) ** 2 <= most**2
    return np.fft.ifft2(spectrum * kept[..., None], axes=(0, 1)).real, kept


@pytest.mark.parametrize(("k", "most"), [(1, 0), (5, 1), (49, 4), (797, 16), (4096, 64)])
def test_each_panel_shows_the_slow_waves(frequencies, k, most):
    from course_utils.data.images import photographs

    image = photographs(64)["coffee"]
    state = {"image": "coffee", "k": k}
    rebuilt, kept = slow(image, most)
    assert kept.sum() == k
    shown = frequencies.pages(REBUILT, state=state)[0].astype(int)
    assert np.abs(shown - np.clip(rebuilt, 0, 255)).max() <= 0.5 + 1e-6
    missing = (image - rebuilt).mean(axis=-1)
    limit = np.abs((image - image.mean(axis=(0, 1))).mean(axis=-1)).max()
    colours = figures.diverging(missing, limit).astype(int)
    assert np.abs(frequencies.pages(MISSING, state=state)[0] - colours).max() <= 6  # a rounding apart: one colour
    spectrum = frequencies.pages(KEPT, state=state)[0]
    assert ((spectrum == 225).all(axis=-1) == ~np.fft.fftshift(kept)).all()
    sizes = np.linalg.norm(np.fft.fft2(image, axes=(0, 1)), axis=-1) / 4096 / 3**0.5  # in grey values
    shares = (np.log10(np.clip(sizes, 0.01, 100)) + 2) / 4
    strengths = np.fft.fftshift(figures.SEQUENTIAL[np.rint(255 * shares).astype(int)].astype(int), axes=(0, 1))
    assert np.abs(spectrum - strengths)[np.fft.fftshift(kept)].max() <= 6


def test_frequencies_words_give_the_share_of_the_contrast(frequencies):
    from course_utils.data.images import photographs

    image = photographs(64)["cat"]
    rebuilt, _ = slow(image, 6)
    share = rebuilt.var(axis=(0, 1)).sum() / image.astype("float64").var(axis=(0, 1)).sum()
    assert frequencies.words({"image": "cat", "k": 113}) == (
        "cat: 113 waves of 4096 (2.8 %): all waves with at most 6 periods across the image. "
        f"They hold {100 * share:.0f} % of its contrast (its energy without the mean)."
    )
    assert "1 wave of 4096 (less than 0.1 %): only the mean colour" in frequencies.words({"k": 1})
    assert "at most 1 period across" in frequencies.words({"k": 5})
    assert frequencies.words({"k": 4096}).endswith("(100 %): the image itself.")


def test_frequencies_of_plain_and_grey_images():
    explorer = explorers.explore_frequencies({"plain": np.full((8, 8, 1), 77, np.uint8)})
    assert explorer.spec["settings"][1]["values"] == [1, 5, 13, 29, 47, 64]  # −4 and 4 are one
    assert (explorer.pages(REBUILT, state={"k": 5}) == 77).all()
    assert "hold 100 % of its contrast" in explorer.words({"k": 5})


# ---- FNet's mixing ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fourier():
    return explorers.explore_fourier(images(2, 16), patch_size=4)


def grey_tokens(image, p=4):
    """Returns the grey values of the patches, -1…1 and without their mean, `(n, p * p)`."""
    grey = (image @ [0.299, 0.587, 0.114]) / 127.5 - 1
    grey -= grey.mean()
    rows = [grey[r : r + p, c : c + p].ravel() for r in range(0, len(grey), p) for c in range(0, len(grey), p)]
    return np.array(rows)


def transformed(x, tokens, channels):
    n, d = x.shape
    over_tokens = np.exp(-2j * np.pi * np.outer(range(n), range(n)) / n) if tokens else np.eye(n)
    over_channels = np.exp(-2j * np.pi * np.outer(range(d), range(d)) / d) if channels else np.eye(d)
    return (over_tokens @ x @ over_channels).real


def coloured(values):
    return figures.diverging(np.sign(values) * np.sqrt(np.abs(values)), np.sqrt(np.abs(values).max())).astype(int)


@pytest.mark.parametrize("tokens", [False, True])
@pytest.mark.parametrize("channels", [False, True])
def test_the_tables_are_the_tokens_and_their_transforms(fourier, tokens, channels):
    for name, image in images(2, 16).items():
        state = {"image": name, "tokens": tokens, "channels": channels}
        x = grey_tokens(image)
        y = transformed(x, tokens, channels)
        # A value that lies on the border of two colours may be rounded to either: float32 against float64.
        assert np.abs(fourier.pages(BEFORE, state=state)[0] - coloured(x)).max() <= 6
        assert np.abs(fourier.pages(AFTER, state=state)[0] - coloured(y)).max() <= 6
        largest = max(y[5], key=abs)
        assert f"{abs(largest):.2f}" in fourier.words({**state, "token": 5})
        ticks = fourier.spec["panels"][2]["bar"]["ticks"]
        index = 4 * list(images(2, 16)).index(name) + 2 * tokens + channels
        assert ticks[index][-1] == [1.0, figures.bar_ticks(np.abs(y).max())[-1][1]]
        assert ticks[index][0] == [0.0, "−" + ticks[index][-1][1]]


def test_an_output_token_weighs_the_positions_with_a_cosine(fourier):
    maps = fourier.pages(WEIGHTS, layer=1, state={"tokens": True})
    for k in range(16):
        cosine = np.cos(2 * np.pi * k * np.arange(16) / 16).reshape(4, 4)
        assert (maps[k, ..., :3] == figures.diverging(cosine, 1)).all()
    alone = fourier.pages(WEIGHTS, layer=1, state={"tokens": False})
    for k in range(16):
        assert (alone[k, ..., :3].reshape(16, 3) == figures.diverging(np.eye(16)[k], 1)).all()


def test_the_weights_shown_are_those_of_channel_0():
    """An image that is black but for one patch: output channel 0 is the patch's sum times the weight shown."""
    x = np.zeros((16, 16))
    x[9] = np.random.default_rng(0).normal(size=16)
    for k in range(16):
        weight = np.cos(2 * np.pi * 9 * k / 16)
        assert transformed(x, True, True)[k, 0] == pytest.approx(weight * x[9].sum())
        np.testing.assert_allclose(transformed(x, True, False)[k], weight * x[9], atol=1e-12)


def test_fourier_words(fourier):
    on = {"image": "image 0", "tokens": True, "channels": True}
    assert re.fullmatch(
        r"image 0: output token 3 is a sum over all 16 positions with the weights cos\(2π·3·j/16\): 3 waves along the "
        r"row of tokens\. Output token 13 has the same weights\. The largest of its numbers is [+−]\d+\.\d\d\.",
        fourier.words({**on, "token": 3}),
    )
    assert "1 wave along the row of tokens. Output token 1 has" in fourier.words({**on, "token": 15})
    assert "the plain sum over all 16 positions, each with the weight 1. The largest" in fourier.words(
        {**on, "token": 0}
    )
    assert "8 waves along the row of tokens. The largest" in fourier.words({**on, "token": 8})
    off = {**on, "tokens": False, "token": 7}
    assert "output token 7 is made of input token 7 alone: its numbers are transformed, but no" in fourier.words(off)
    assert "alone: nothing is transformed, and no position" in fourier.words({**off, "channels": False})


def test_the_default_images_show_a_photograph_one_patch_and_a_pure_wave():
    explorer = explorers.explore_fourier()
    assert explorer.spec["settings"][0]["values"] == ["cat", "one patch of the cat", "stripes"]
    pale = figures.diverging(np.zeros(1), 1)[0]
    before = explorer.pages(BEFORE, state={"image": "one patch of the cat"})[0].astype(int)
    assert (np.abs(before - pale).max(axis=(1, 2)) > 20).sum() == 1  # one token has anything to say
    after = explorer.pages(AFTER, state={"image": "stripes", "tokens": True, "channels": False})[0].astype(int)
    far = np.abs(after - pale).max(axis=(1, 2)) > 60
    assert np.flatnonzero(far).tolist() == [8, 56]  # one wave: its frequency, and the twin

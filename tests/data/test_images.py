"""The photographs inside scikit-image, and images of the student's own."""

import io
import socket

import numpy as np
import pytest
from PIL import Image

from course_utils.data.images import as_image, photographs


def encoded(array, kind="PNG", **options):
    stream = io.BytesIO()
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(stream, kind, **options)
    return stream.getvalue()


def test_three_photographs_without_a_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a photograph asked for the network")

    monkeypatch.setattr(socket, "socket", refuse)
    images = photographs(64)
    assert list(images) == ["astronaut", "cat", "coffee"]
    for image in images.values():
        assert image.shape == (64, 64, 3)
        assert image.dtype == np.uint8
        assert image.std() > 30  # an image with something on it
        assert np.ptp(image.astype(int), axis=-1).max() > 60  # in colour


def test_photographs_show_what_they_say():
    images = photographs(64)
    red, green, blue = (images["coffee"][32, 5:12].mean(axis=0)[i] for i in range(3))
    assert red > 2 * green, "the saucer is red"
    assert red > 2 * blue
    iris = images["cat"][20:28, 14:26].reshape(-1, 3).mean(axis=0)
    assert iris[2] < iris[1], "the cat's eyes are green"
    suit = images["astronaut"][48:, 4:16].reshape(-1, 3).mean(axis=0)
    assert suit[0] > 180
    assert suit[0] > 2 * suit[2], "the space suit is orange"


def test_missing_scikit_image_is_named(monkeypatch):
    monkeypatch.setattr("course_utils.data.images.find_spec", lambda _: None)
    with pytest.raises(FileNotFoundError, match="pip install scikit-image"):
        photographs()


def test_same_image_by_every_way_in(tmp_path):
    image = photographs(48)["cat"]
    path = tmp_path / "cat.png"
    data = encoded(image)
    path.write_bytes(data)
    with open(path, "rb") as file:
        ways = [path, str(path), data, bytearray(data), memoryview(data), file, image, Image.fromarray(image)]
        for way in ways:
            np.testing.assert_array_equal(as_image(way, 48), image)


def test_middle_square_is_cut_out():
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200
    np.testing.assert_array_equal(as_image(wide, 10), 200)


def test_what_is_transparent_lies_on_white():
    clear = np.zeros((8, 8, 4), np.uint8)
    clear[:, 4:, 3] = 255
    image = as_image(clear, 8)
    assert (image[:, :3] == 255).all()
    assert (image[:, 5:] == 0).all()
    palette = Image.fromarray(np.zeros((8, 8), np.uint8)).convert("P")
    assert (as_image(encoded(palette, "PNG", transparency=0), 8) == 255).all()
    np.testing.assert_array_equal(as_image(Image.new("LA", (4, 4), (9, 0)), 4), 255)


def test_grey_and_sixteen_bits_and_print_colours():
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    for array in (grey, grey[..., None]):
        np.testing.assert_array_equal(as_image(array, 8), np.repeat(grey[..., None], 3, axis=2))
    deep = encoded(Image.fromarray(grey.astype(np.uint16) * 256))
    np.testing.assert_array_equal(as_image(deep, 8)[..., 0], grey)
    assert as_image(encoded(Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "JPEG"), 4)[0, 0, 0] > 150
    assert as_image(Image.new("1", (4, 4), 1), 4).min() == 255


def test_rotation_by_the_camera_is_applied():
    array = np.zeros((8, 8, 3), np.uint8)
    array[:4] = 255  # white above
    image = Image.fromarray(array)
    exif = image.getexif()
    exif[0x0112] = 6  # "turn by 90 degrees clockwise"
    image = as_image(encoded(image, "PNG", exif=exif.tobytes()), 8)
    assert image[:, 5:].min() == 255, "white is on the right after the turn"
    assert image[:, :3].max() == 0


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        ("no/such.png", FileNotFoundError, "there is no file 'no/such.png'"),
        (b"not an image", ValueError, r"these 12 bytes cannot be read as an image"),
        (b"", ValueError, r"these 0 bytes cannot be read"),
        (encoded(np.zeros((64, 64, 3), np.uint8))[:60], ValueError, "cannot be read as an image"),
        (np.zeros((4, 4, 3)), TypeError, r"must be uint8, 0\.\.255; got float64"),
        (np.zeros((4, 4, 2), np.uint8), ValueError, r"got \(4, 4, 2\)"),
        (np.zeros((0, 4, 3), np.uint8), ValueError, r"got \(0, 4, 3\)"),
        (np.zeros(4, np.uint8), ValueError, r"got \(4,\)"),
        (42, TypeError, "must be a path.*got int"),
    ],
)
def test_bad_images_are_named(image, error, message):
    with pytest.raises(error, match=message):
        as_image(image, 8)


def test_enormous_image_is_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match="DecompressionBomb"):
        as_image(encoded(np.zeros((12, 12, 3), np.uint8)), 8)


@pytest.mark.parametrize("size", [0, -1, 3.5, True, "64"])
def test_bad_size_is_named(size):
    with pytest.raises(ValueError, match="size must be a whole number of pixels"):
        photographs(size)
    with pytest.raises(ValueError, match="size must be a whole number of pixels"):
        as_image(np.zeros((4, 4, 3), np.uint8), size)

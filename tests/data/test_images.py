"""The photographs inside scikit-image, and images of the student's own."""

import io
import socket
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from course_utils.data import images
from course_utils.data.images import as_image, photographs


def encoded(array, kind="PNG", **options):
    stream = io.BytesIO()
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(stream, kind, **options)
    return stream.getvalue()


def test_three_photographs_without_a_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a photograph asked for the network")

    monkeypatch.setattr(socket, "socket", refuse)
    found = photographs(64)
    assert list(found) == ["astronaut", "cat", "coffee"]
    for image in found.values():
        assert image.shape == (64, 64, 3)
        assert image.dtype == np.uint8
        assert image.std() > 30  # an image with something on it
        assert np.ptp(image.astype(int), axis=-1).max() > 60  # in colour


def test_photographs_show_what_they_say():
    found = photographs(64)
    red, green, blue = (found["coffee"][32, 5:12].mean(axis=0)[i] for i in range(3))
    assert red > 2 * green, "the saucer is red"
    assert red > 2 * blue
    iris = found["cat"][20:28, 14:26].reshape(-1, 3).mean(axis=0)
    assert iris[2] < iris[1], "the cat's eyes are green"
    suit = found["astronaut"][48:, 4:16].reshape(-1, 3).mean(axis=0)
    assert suit[0] > 180
    assert suit[0] > 2 * suit[2], "the space suit is orange"


def test_missing_scikit_image_is_named(monkeypatch):
    monkeypatch.setattr(images, "find_spec", lambda _: None)
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


def test_grey_and_print_colours():
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    for array in (grey, grey[..., None]):
        np.testing.assert_array_equal(as_image(array, 8), np.repeat(grey[..., None], 3, axis=2))
    assert as_image(encoded(Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "JPEG"), 4)[0, 0, 0] > 150
    assert as_image(Image.new("1", (4, 4), 1), 4).min() == 255


RAMP = np.arange(64).reshape(8, 8) / 63


@pytest.mark.parametrize(
    ("largest", "kind", "file"),
    [
        *((2**bits - 1, "uint16", file) for bits in (8, 10, 12, 14, 16) for file in ("PNG", "TIFF")),
        (65535, ">u2", "TIFF"),
        (255, "int32", "TIFF"),
        (4095, "int32", "TIFF"),
        (1, "float32", "TIFF"),
        (255, "float32", "TIFF"),
        (65535, "float32", "TIFF"),
    ],
)
def test_grey_of_any_depth_runs_from_black_to_white(largest, kind, file):
    values = (RAMP * largest).astype(kind)
    read = as_image(encoded(values, file), 8)
    np.testing.assert_allclose(read, np.repeat(255 * RAMP[..., None], 3, axis=2), atol=1)


@pytest.mark.parametrize("factor", [256, 257])
def test_8_bits_spread_over_16_are_as_dark_as_they_were(factor):
    dark = np.arange(64, dtype=np.uint16).reshape(8, 8)
    np.testing.assert_array_equal(as_image(encoded(dark * factor), 8)[..., 0], dark)


def deep_colours(largest):
    """A PNG with 16 bits for each of three channels, which Pillow reads and does not write."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = (RAMP * largest).astype(">u2")[..., None].repeat(3, axis=2)
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def test_colours_of_16_bits_are_read():
    np.testing.assert_allclose(as_image(deep_colours(65535), 8)[..., 1], 255 * RAMP, atol=1)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGB"), ("PNG", "I;16"), ("TIFF", "L")])
def test_every_turn_by_the_camera_is_pillows(turn, kind, mode):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    pixels = {"RGB": pixels, "L": pixels[..., 0], "I;16": pixels[..., 0] * np.uint16(257)}[mode]
    image = Image.fromarray(pixels)
    image.getexif()[0x0112] = turn
    right = np.asarray(ImageOps.exif_transpose(image)) // (257 if mode == "I;16" else 1)
    note = {"tiffinfo": {0x0112: turn}} if kind == "TIFF" else {"exif": image.getexif().tobytes()}
    read = as_image(encoded(Image.fromarray(pixels), kind, **note), 8)
    np.testing.assert_array_equal(read if mode == "RGB" else read[..., 0], right)


TAGS = {
    "resolution as text": ((0x11A, 2, 4, b"abc\0"), b""),
    "negative resolution": ((0x11A, 10, 1, struct.pack("<I", 38)), struct.pack("<ii", -72, 0)),
    "description as a float": ((0x10E, 11, 1, struct.pack("<f", 1.5)), b""),
    "unit as text": ((0x128, 2, 4, b"abc\0"), b""),
    "orientation as text": ((0x112, 2, 4, b"abc\0"), b""),
    "an offset out of the file": ((0x8769, 4, 1, struct.pack("<I", 2**31)), b""),
}


@pytest.mark.parametrize("name", TAGS)
def test_odd_metadata_is_read_past_and_the_turn_applied(name, recwarn):
    tag, extra = TAGS[name]
    tags = [(0x112, 3, 1, struct.pack("<HH", 6, 0)), tag][tag[0] == 0x112 :]
    body = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHI", t, k, n) + v for t, k, n, v in tags)
    block = b"Exif\0\0II*\0\x08\0\0\0" + body + struct.pack("<I", 0) + extra
    array = np.zeros((8, 8, 3), np.uint8)
    array[:4] = 255
    jpeg = encoded(array, "JPEG", icc_profile=b"no profile", xmp=b"<not xml")
    jpeg = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]
    white = as_image(jpeg, 8)
    white = white[:4] if tag[0] == 0x112 else white[:, 4:]
    assert white.min() > 250
    assert not recwarn.list


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"


def test_postscript_never_reaches_a_program(tmp_path, monkeypatch):
    def run(*_, **__):
        raise AssertionError("Ghostscript was asked")

    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", run)
    (tmp_path / "cat.png").write_bytes(EPS)
    for way in (EPS, tmp_path / "cat.png", io.BytesIO(EPS), Image.open(io.BytesIO(EPS))):
        with pytest.raises(ValueError, match=r"its content is none of PNG, JPEG, WEBP|of the kind EPS is not read"):
            as_image(way, 8)
    with pytest.raises(AssertionError):
        Image.open(io.BytesIO(EPS)).load()  # what would happen


@pytest.mark.parametrize("kind", [*images.FORMATS, "PPM", "ICO", "TGA", "PCX", "DDS", "JPEG2000"])
def test_six_kinds_are_opened_and_no_other(kind):
    content = encoded(np.full((16, 16, 3), 200, np.uint8), kind)
    if kind in images.FORMATS:
        assert as_image(content, 8).min() >= 198
    else:
        with pytest.raises(ValueError, match="its content is none of PNG"):
            as_image(content, 8)


def test_a_large_photograph_is_decoded_no_larger_than_needed(monkeypatch):
    seen = []
    square = images._square
    monkeypatch.setattr(images, "_square", lambda image, size: seen.append(image.size) or square(image, size))
    x, y = np.mgrid[:1200, :1600]
    photograph = np.stack([x * 255 / 1200, y * 255 / 1600, (x + y) % 256], axis=-1).astype("uint8")
    drafted, whole = as_image(encoded(photograph, "JPEG"), 32), as_image(encoded(photograph), 32)
    assert seen == [(200, 150), (1600, 1200)]
    assert np.abs(drafted[..., :2].astype(int) - whole[..., :2]).max() < 4


DEPTHS = [
    ((RAMP * (2**31 - 1)).astype("int32"), "0 to 2.14748e.09, are neither 0..1 nor whole numbers"),
    ((RAMP - 0.5).astype("float32"), "-0.5 to 0.5, are"),
    ((RAMP * 1.02).astype("float32"), "0 to 1.02, are"),
    (np.where(RAMP > 0.5, np.nan, RAMP).astype("float32"), "nan to nan, are"),
    ((RAMP > 0.5).astype("int32"), "0 to 1, are"),
]


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
        (np.ma.zeros((4, 4, 3), np.uint8), TypeError, "an array must not be masked"),
        (42, TypeError, "must be a path, .* or an array; got 42"),
        (None, TypeError, "must be a path, .* or an array; got None"),
        ("", TypeError, "must be a path, .* or an array; got ''"),
        *((deep_colours(2**bits - 1), ValueError, "its colours have 16 bits and hold 14") for bits in (10, 12, 14)),
        *((encoded(values, "TIFF"), ValueError, rf"\(ValueError: its grey values, {said}") for values, said in DEPTHS),
    ],
)
def test_bad_images_are_named(image, error, message):
    with pytest.raises(error, match=message):
        as_image(image, 8)


def test_enormous_image_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(images, "MOST_PIXELS", 100)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", None)
    with pytest.raises(ValueError, match="12 × 12 pixels are more than 100; make it smaller"):
        as_image(encoded(np.zeros((12, 12, 3), np.uint8)), 8)


@pytest.mark.parametrize("size", [0, -1, 3.5, True, "64", 10**9])
def test_bad_size_is_named(size):
    for act in (photographs, lambda size: as_image(np.zeros((4, 4, 3), np.uint8), size)):
        with pytest.raises(ValueError, match=r"size must be a whole number in 1\.\.4,096 \(pixels\); got"):
            act(size)

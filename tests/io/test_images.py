import numpy as np
import pytest
from PIL import Image

from salmetrics import InputError, Stimuli
from salmetrics.io.images import as_pixels, read_head, read_pixels

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY = RGB[:, :, 0]


def saved(path, image, **options):
    image.save(path, **options)
    return path


def test_colour_and_grey(tmp_path):
    colour = saved(tmp_path / "colour.png", Image.fromarray(RGB))
    grey = saved(tmp_path / "grey.png", Image.fromarray(GREY))
    assert np.array_equal(read_pixels(colour), RGB)
    assert np.array_equal(read_pixels(grey), GREY)
    assert read_head(colour) == read_head(grey) == ((5, 7), False)


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_dropped(tmp_path, channels):
    """Dropped, not blended: transparent pixels keep their colours."""
    transparent = np.zeros((5, 7, 1), np.uint8)
    colours = RGB if channels == 4 else GREY[:, :, np.newaxis]
    image = Image.fromarray(np.concatenate([colours, transparent], 2))
    assert image.mode == {2: "LA", 4: "RGBA"}[channels]
    path = saved(tmp_path / "a.png", image)
    assert np.array_equal(read_pixels(path), colours.squeeze())


def test_palette(tmp_path):
    image = Image.fromarray(RGB).quantize(8)
    assert image.mode == "P"
    path = saved(tmp_path / "p.gif", image)
    assert np.array_equal(read_pixels(path), np.asarray(image.convert("RGB")))


def test_cmyk(tmp_path):
    image = Image.fromarray(RGB).convert("CMYK")
    path = saved(tmp_path / "c.tif", image)
    found = read_pixels(path)
    assert found.shape == (5, 7, 3)
    assert np.abs(found.astype(int) - RGB).max() <= 2  # CMYK is stored in bytes


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_keep_the_upper_byte(tmp_path, suffix):
    values = np.array([[0, 255, 256], [40000, 65535, 511]], np.uint16)
    path = saved(tmp_path / f"d.{suffix}", Image.fromarray(values))
    found = read_pixels(path)
    assert found.dtype == np.uint8
    assert found.tolist() == [[0, 0, 1], [156, 255, 1]]


def test_more_than_16_bits(tmp_path):
    path = saved(tmp_path / "wide.tif", Image.fromarray(np.array([[0, 70000]], np.int32)))
    with pytest.raises(InputError, match="at most 16 bits per pixel; got values from 0 to 70000"):
        read_pixels(path)


def test_one_bit(tmp_path):
    path = saved(tmp_path / "b.png", Image.fromarray(GREY > 100))
    assert np.array_equal(read_pixels(path), np.where(GREY > 100, 255, 0))


def test_exif_orientation_is_ignored(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    path = saved(tmp_path / "e.png", Image.fromarray(RGB), exif=exif)
    with Image.open(path) as image:
        assert image.getexif()[0x0112] == 6
    assert read_head(path) == ((5, 7), True)
    assert np.array_equal(read_pixels(path), RGB)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (GREY, GREY),
        (RGB, RGB),
        (np.dstack([RGB, GREY]), RGB),
        (GREY[:, :, np.newaxis], GREY),
        (GREY.astype(np.uint16) << 8, GREY),
        (GREY > 9, np.where(GREY > 9, 255, 0)),
    ],
)
def test_arrays(array, expected):
    found = as_pixels(array, "x")
    assert found.dtype == np.uint8
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros((3, 4)), "image 'one' must be uint8 .*got float64. Convert it yourself"),
        (np.zeros(3, np.uint8), r"image 'one' must have shape \(height, width\).*got \(3,\)"),
        (np.zeros((3, 4, 5), np.uint8), r"got \(3, 4, 5\)"),
        (np.zeros((0, 4), np.uint8), r"got \(0, 4\)"),
    ],
)
def test_wrong_arrays(array, text):
    with pytest.raises(InputError, match=text):
        Stimuli.from_arrays([RGB, array], ids=["zero", "one"])


def test_missing_and_foreign_files(tmp_path):
    text = tmp_path / "text.png"
    text.write_text("no image")
    good = saved(tmp_path / "good.png", Image.fromarray(RGB))
    with pytest.raises(InputError, match=r"text\.png' cannot be read as an image"):
        Stimuli.from_files([good, text])
    with pytest.raises(InputError, match=r"none\.png' does not exist"):
        Stimuli.from_files([good, tmp_path / "none.png"])


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_truncated_file(tmp_path, suffix):
    noise = np.random.default_rng(1).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    path = saved(tmp_path / f"cut.{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[:2000])
    stimuli = Stimuli.from_files([path])  # the header is whole
    with pytest.raises(InputError, match=rf"cut\.{suffix}' cannot be decoded: .*truncated"):
        stimuli[0].image  # noqa: B018


@pytest.mark.parametrize("limit", [10, 20])  # over twice the limit is another error in Pillow
def test_too_large(tmp_path, monkeypatch, limit):
    path = saved(tmp_path / "big.png", Image.fromarray(RGB))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(InputError, match=r"big\.png' is too large .*raise PIL.Image.MAX_IMAGE_PIX"):
        Stimuli.from_files([path])


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize(("orientation", "turned"), [(1, False), (3, True), (6, True), (0, False)])
def test_exif_orientation(suffix, orientation, turned, tmp_path):
    tags = Image.Exif()
    tags[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    Image.fromarray(np.zeros((5, 7), np.uint8)).convert("RGB").save(path, exif=tags)
    assert read_head(path) == ((5, 7), turned)


def test_an_empty_file_and_a_long_name(tmp_path):
    (tmp_path / "x.png").touch()
    with pytest.raises(InputError, match=r"x\.png' cannot be read as an image: it is empty$"):
        read_head(tmp_path / "x.png")
    with pytest.raises(InputError, match="does not exist"):
        read_head(tmp_path / f"{'a' * 300}.png")

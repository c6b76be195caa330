"""Files of one map each: headers, numbers, and what is refused."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from salmetrics import InputError
from salmetrics.io.map_files import (
    MAP_SUFFIXES,
    WRITTEN_SUFFIXES,
    array_head,
    as_grey,
    encode_map,
    map_shape,
    map_size,
    read_map,
)

SIZE = (3, 5)
NUMBERS = np.linspace(-1, 1, 15).reshape(SIZE)
BYTES = np.arange(15, dtype=np.uint8).reshape(SIZE) * 17


def stored(array, suffix):
    """A file, written without the code under test."""
    stream = io.BytesIO()
    if suffix == ".npy":
        np.save(stream, array)
    elif suffix == ".mat":
        savemat(stream, {"any": array})
    else:
        formats = {".tif": "TIFF", ".tiff": "TIFF", ".jpg": "JPEG", ".jpeg": "JPEG"}
        Image.fromarray(array).save(stream, formats.get(suffix, suffix[1:].upper()))
    stream.seek(0)
    return stream


@pytest.mark.parametrize("suffix", MAP_SUFFIXES)
def test_every_suffix_is_read(suffix):
    is_lossy = suffix in (".jpg", ".jpeg")
    array = NUMBERS if suffix in (".mat", ".npy") else np.full(SIZE, 77, np.uint8)
    assert map_size(stored(array, suffix), suffix, "x") == SIZE
    for written in (suffix, suffix.upper()):
        found = read_map(stored(array, suffix), written, "x")
        # JPEG rounds the coefficients of its blocks
        assert np.abs(found - array.astype(float)).max() <= (1 if is_lossy else 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_levels_are_as_stored(dtype):
    array = np.arange(15, dtype=dtype).reshape(SIZE) * (np.iinfo(dtype).max // 14)
    found = read_map(stored(array, ".png"), ".png", "x")
    np.testing.assert_array_equal(found, array)


def test_colours_must_be_equal():
    grey = np.repeat(BYTES[..., None], 3, axis=2)
    np.testing.assert_array_equal(read_map(stored(grey, ".png"), ".png", "x"), BYTES)
    coloured = grey.copy()
    coloured[0, 0, 0] += 1
    for read in (read_map, map_size):
        with pytest.raises(InputError, match="the map must be grey, but it is coloured"):
            read(stored(coloured, ".png"), ".png", "the map")


def test_several_frames():
    stream = io.BytesIO()
    frames = [Image.fromarray(BYTES), Image.fromarray(BYTES)]
    frames[0].save(stream, "TIFF", save_all=True, append_images=frames[1:])
    stream.seek(0)
    with pytest.raises(InputError, match="x must hold one image; it holds 2"):
        read_map(stream, ".tif", "x")


# ---- writing


@pytest.mark.parametrize("suffix", WRITTEN_SUFFIXES)
def test_written_files_are_read(suffix):
    data = encode_map(NUMBERS, suffix, 16)
    found = read_map(io.BytesIO(data), suffix, "x")
    if suffix in (".mat", ".npy"):
        np.testing.assert_array_equal(found, NUMBERS)
        return
    top = 255 if suffix == ".jpg" else 65535
    assert found.dtype == (np.uint8 if suffix == ".jpg" else np.uint16)
    # half a level of rounding; JPEG in addition rounds the coefficients of its blocks
    levels = found.astype(float) - (NUMBERS + 1) / 2 * top
    assert np.abs(levels).max() <= (4 if suffix == ".jpg" else 0.5 + 1e-9)


def test_levels_by_hand():
    found = read_map(io.BytesIO(encode_map(np.array([[0.0, 1, 4]]), ".png", 8)), ".png", "x")
    assert found.tolist() == [[0, 64, 255]]  # 255 / 4 = 63.75
    found = read_map(io.BytesIO(encode_map(np.array([[-1.0, 0, 1]]), ".png", 16)), ".png", "x")
    assert found.tolist() == [[0, 32768, 65535]]  # 32767.5 to even


def test_bytes_are_not_scaled():
    for suffix in (".png", ".tif"):
        found = read_map(io.BytesIO(encode_map(BYTES[:, :2], suffix, 8)), suffix, "x")
        np.testing.assert_array_equal(found, BYTES[:, :2])
    wide = read_map(io.BytesIO(encode_map(BYTES, ".png", 16)), ".png", "x")
    assert (wide.min(), wide.max()) == (0, 65535)


@pytest.mark.parametrize(
    ("array", "levels"),
    [
        (np.full((1, 3), 7.5), [[0, 0, 0]]),
        (np.array([[-1.5e308, 0, 1.5e308]]), [[0, 128, 255]]),  # their difference overflows
    ],
)
def test_constant_and_huge_maps(array, levels):
    found = read_map(io.BytesIO(encode_map(array, ".png", 8)), ".png", "x")
    assert found.tolist() == levels


# ---- arrays


@pytest.mark.parametrize(
    "shape", [(3, 5), (1, 3, 5), (1, 1, 3, 5), (3, 5, 1), (3, 5, 3), (1, 3, 5, 3)]
)
def test_axes_of_length_one_and_equal_channels(shape):
    array = np.zeros(shape) + (NUMBERS if shape[-1] == 5 else NUMBERS[..., None])
    np.testing.assert_array_equal(as_grey(array, "x"), NUMBERS)
    assert map_shape(shape, "x") == SIZE


@pytest.mark.parametrize("shape", [(5,), (), (2, 3, 5), (3, 5, 4), (0, 5), (3, 0), (2, 3, 5, 3)])
def test_other_shapes(shape):
    text = r"x must be a map of shape \(height, width\); got \("
    with pytest.raises(InputError, match=text):
        as_grey(np.zeros(shape), "x")
    with pytest.raises(InputError, match=text):
        map_shape(shape, "x")


def test_channels_that_differ():
    array = np.random.default_rng(0).random((3, 5, 3))
    with pytest.raises(InputError, match=r"got \(3, 5, 3\)"):
        as_grey(array, "x")
    for read in (read_map, map_size):
        with pytest.raises(InputError, match=r"got \(3, 5, 3\)"):
            read(stored(array, ".npy"), ".npy", "x")


@pytest.mark.parametrize("array", [np.array([["a"]]), np.ones((2, 2), complex)])
def test_arrays_that_are_not_numeric(array):
    with pytest.raises(InputError, match="x must hold numbers; it holds"):
        as_grey(array, "x")


# ---- files that are damaged


@pytest.mark.parametrize("order", ["C", "F"])
def test_head_of_an_array(order):
    stream = io.BytesIO()
    np.save(stream, np.zeros((4, 6, 2), np.float32, order=order))
    stream.seek(0)
    assert array_head(stream) == ((4, 6, 2), np.float32)


def test_an_array_of_objects():
    stream = io.BytesIO()
    np.save(stream, np.array([[{}, 1]], object), allow_pickle=True)
    for read in (map_size, read_map):
        stream.seek(0)
        with pytest.raises(InputError, match="x cannot be read: "):
            read(stream, ".npy", "x")


@pytest.mark.parametrize("suffix", [".npy", ".png", ".mat"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_truncated_files(suffix, share):
    array = np.random.default_rng(0).random((40, 50))
    data = encode_map(array, suffix, 8)
    with pytest.raises(InputError, match="the map cannot be read"):
        read_map(io.BytesIO(data[: int(share * len(data))]), suffix, "the map")


def test_a_truncated_array_shows_in_its_size():
    data = encode_map(NUMBERS, ".npy", 8)
    with pytest.raises(InputError, match="x cannot be read: the file is truncated"):
        map_size(io.BytesIO(data[:-1]), ".npy", "x")


@pytest.mark.parametrize("suffix", [".jpg", ".mat", ".npy", ".png", ".tif"])
def test_empty_files(suffix):
    for read in (map_size, read_map):
        with pytest.raises(InputError, match=r"^the map cannot be read: it is empty$"):
            read(io.BytesIO(), suffix, "the map")

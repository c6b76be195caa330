"""Stores of maps: names, kinds, sizes, digests; one way to read all of them."""

import base64
import io
import json
import pickle
import tarfile
import zipfile

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from salmetrics import InputError
from salmetrics.io.map_stores import MARKER, open_maps

MAPS = {
    "a": np.arange(12, dtype=np.uint8).reshape(3, 4),
    "sub/b": np.arange(10, dtype=np.uint16).reshape(2, 5) * 6000,
}


def png(array):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


def files(kind=None):
    named = {f"{name}.png": png(array) for name, array in MAPS.items()}
    hidden = {".a.png": b"", "__MACOSX/a.png": b"", "readme.txt": b""}
    marker = {} if kind is None else {MARKER: json.dumps({"kind": kind}).encode()}
    return named | hidden | marker


def folder(path, kind=None):
    for name, data in files(kind).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)


def zipped(path, kind=None):
    with zipfile.ZipFile(path, "w") as file:
        for name, data in files(kind).items():
            file.writestr(name, data)


def tarred(path, kind=None):
    with tarfile.open(path, "w") as file:
        for name, data in files(kind).items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))


def npz(path, kind=None):
    np.savez(path, **MAPS)
    if kind is not None:
        with zipfile.ZipFile(path, "a") as file:
            file.writestr(MARKER, json.dumps({"kind": kind}))


def hdf5(path, kind=None):
    with h5py.File(path, "w") as file:
        for name, array in MAPS.items():
            file[name] = array
        if kind is not None:
            file.attrs["kind"] = kind


def mat(path, kind=None):
    cells, names, kinds = (np.empty((1, n), object) for n in (2, 2, 1))
    cells[0, :], names[0, :], kinds[0, 0] = list(MAPS.values()), list(MAPS), kind
    savemat(path, {"results": cells, "names": names} | ({} if kind is None else {"kind": kinds}))


NAMED = {
    "folder": folder,
    "x.zip": zipped,
    "x.tar": tarred,
    "x.npz": npz,
    "x.h5": hdf5,
    "x.mat": mat,
}


@pytest.mark.parametrize("name", NAMED)
def test_names_sizes_and_maps(name, tmp_path):
    NAMED[name](tmp_path / name)
    maps = open_maps(tmp_path / name)
    assert (maps.ordered, maps.numbered, maps.kind) == (False, False, None)
    assert [maps.key(each) for each in maps.names] == list(MAPS)
    assert list(maps.sizes(maps.names)) == [(3, 4), (2, 5)]
    assert list(maps.sizes(maps.names[::-1])) == [(2, 5), (3, 4)]
    copy = pickle.loads(pickle.dumps(maps))
    for store in (maps, copy):
        for each, array in zip(store.names, MAPS.values(), strict=True):
            np.testing.assert_array_equal(store.read(each), array)


@pytest.mark.parametrize("kind", ["log_density", "density", "saliency_map"])
@pytest.mark.parametrize("name", NAMED)
def test_kinds(name, kind, tmp_path):
    NAMED[name](tmp_path / name, kind)
    maps = open_maps(tmp_path / name)
    assert maps.kind == kind
    assert len(maps.names) == 2


@pytest.mark.parametrize("name", NAMED)
def test_unknown_kinds(name, tmp_path):
    NAMED[name](tmp_path / name, "heat")
    with pytest.raises(InputError, match="declares the kind 'heat'; expected one of log_density,"):
        open_maps(tmp_path / name)


@pytest.mark.parametrize("name", NAMED)
def test_an_invalid_map_is_yielded_as_its_error(name, tmp_path):
    broken = np.zeros((2, 3, 4), np.uint8)  # three axes
    MAPS_BROKEN = MAPS | {"sub/b": broken}
    path = tmp_path / name
    if name == "x.npz":
        np.savez(path, **MAPS_BROKEN)
    elif name == "x.h5":
        with h5py.File(path, "w") as file:
            for each, array in MAPS_BROKEN.items():
                file[each] = array
    elif name == "x.mat":
        cells = np.empty((1, 2), object)
        cells[0, :] = list(MAPS_BROKEN.values())
        savemat(path, {"results": cells})
    else:
        NAMED["folder"](tmp_path / "files")
        (tmp_path / "files" / "sub" / "b.png").write_bytes(b"no image")
        if name == "folder":
            path = tmp_path / "files"
        elif name == "x.zip":
            with zipfile.ZipFile(path, "w") as file:
                for each in ("a.png", "sub/b.png"):
                    file.write(tmp_path / "files" / each, each)
        else:
            with tarfile.open(path, "w") as file:
                for each in ("a.png", "sub/b.png"):
                    file.add(tmp_path / "files" / each, each)
    maps = open_maps(path)
    size, error = maps.sizes(maps.names)
    assert size == (3, 4)
    assert isinstance(error, InputError)
    with pytest.raises(InputError):
        maps.read(maps.names[1])


@pytest.mark.parametrize("name", NAMED)
def test_digests_are_those_of_the_content(name, tmp_path):
    for copy in ("one", "two"):
        (tmp_path / copy).mkdir()
        NAMED[name](tmp_path / copy / name)
    one, two = (open_maps(tmp_path / copy / name).digest for copy in ("one", "two"))
    assert len(one) == 32
    if name == "folder":  # other formats store times
        assert one == two
        changed = tmp_path / "two" / name / "a.png"
        changed.write_bytes(png(MAPS["a"] + np.uint8(1)))
        assert open_maps(tmp_path / "two" / name).digest != one
        changed.rename(changed.with_name("b.png"))
        renamed = open_maps(tmp_path / "two" / name).digest
        changed.with_name("b.png").write_bytes(png(MAPS["a"]))
        assert len({one, renamed, open_maps(tmp_path / "two" / name).digest}) == 3


# ---- maps without names


def test_a_stack(tmp_path):
    stack = np.random.default_rng(0).random((3, 2, 4))
    np.save(tmp_path / "x.npy", stack)
    savemat(tmp_path / "x.mat", {"results": np.moveaxis(stack, 0, 2)})
    for name in ("x.npy", "x.mat"):
        maps = open_maps(tmp_path / name)
        assert (maps.names, maps.ordered) == (("0", "1", "2"), True)
        assert list(maps.sizes(maps.names)) == [(2, 4)] * 3
        for i in range(3):
            np.testing.assert_array_equal(maps.read(str(i)), stack[i])


@pytest.mark.parametrize("trailing", [(), (1,), (3,)])
def test_a_stack_alone_in_a_file(tmp_path, trailing):
    stack = np.random.default_rng(0).random((3, 2, 4))
    stored = np.broadcast_to(stack.reshape(3, 2, 4, *(1 for _ in trailing)), (3, 2, 4, *trailing))
    np.save(tmp_path / "x.npy", stored)
    np.savez(tmp_path / "x.npz", stored, ids=np.arange(3))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["group/maps"] = stored
        file["group/names"] = [b"a", b"b", b"c"]
    for place in ("x.npy", "x.npz", "x.h5", "x.h5:group", "x.h5:group/maps"):
        name, _, part = place.partition(":")
        maps = open_maps(tmp_path / name, part or None)
        copy = pickle.loads(pickle.dumps(maps))
        assert (maps.names, maps.ordered) == (("0", "1", "2"), True)
        assert list(copy.sizes(maps.names)) == [(2, 4)] * 3
        for store in (maps, copy):
            for i in range(3):
                np.testing.assert_array_equal(store.read(str(i)), stack[i])


def test_several_stacks_in_a_file(tmp_path):
    stack = np.random.default_rng(0).random((3, 2, 4))
    np.savez(tmp_path / "x.npz", a=stack, b=stack)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["a"], file["b"] = stack, stack + 1
    for name in ("x.npz", "x.h5"):
        with pytest.raises(InputError, match=r"holds 2 arrays of several maps each: 'a', 'b'"):
            open_maps(tmp_path / name)
    np.testing.assert_array_equal(open_maps(tmp_path / "x.h5", "b").read("2"), stack[2] + 1)


@pytest.mark.parametrize("shape", [(3, 4), (0, 3, 4), (2, 3, 4, 5)])
def test_arrays_that_are_no_stack(shape, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(shape))
    with pytest.raises(InputError, match=r"must hold one map per image, shape \(n, height, width"):
        open_maps(tmp_path / "x.npy")


def test_salicon_json(tmp_path):
    entries = [
        {"image_id": n, "saliency_map": base64.b64encode(png(MAPS["a"] + np.uint8(n))).decode()}
        for n in (42, 7)
    ]
    (tmp_path / "x.json").write_text(json.dumps(entries))
    maps = open_maps(tmp_path / "x.json")
    assert (maps.names, maps.numbered) == (("42", "7"), True)
    assert list(maps.sizes(maps.names)) == [(3, 4)] * 2
    copy = pickle.loads(pickle.dumps(maps))
    for store in (maps, copy):
        np.testing.assert_array_equal(store.read("7"), MAPS["a"] + 7)


# ---- parts of files


def test_groups_and_variables(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["mine/a"] = MAPS["a"]
        file["other"] = MAPS["a"]
        file["mine/again"] = h5py.SoftLink("/mine")  # into a cycle
    savemat(tmp_path / "x.mat", {"mine": MAPS["a"]})
    assert open_maps(tmp_path / "x.h5", "mine").names == ("a",)
    assert open_maps(tmp_path / "x.mat", "mine").names == ("0",)
    with pytest.raises(InputError, match="has no group 'none'; it has 'mine', 'other'"):
        open_maps(tmp_path / "x.h5", "none")
    with pytest.raises(InputError, match=r"'other' of .* is not a group, but one array"):
        open_maps(tmp_path / "x.h5", "other")
    with pytest.raises(InputError, match=r"has no variable 'results'; it has 'mine'\. Name one: x"):
        open_maps(tmp_path / "x.mat")


def test_stores_without_parts(tmp_path):
    folder(tmp_path / "maps")
    with pytest.raises(InputError, match="has no parts, so 'mine' cannot be chosen; only HDF5"):
        open_maps(tmp_path / "maps", "mine")


# ---- which kind of store a path is


def test_the_content_decides_if_the_suffix_is_unknown(tmp_path):
    zipped(tmp_path / "one.bin")
    tarred(tmp_path / "two.bin")
    hdf5(tmp_path / "three.bin")
    for name in ("one.bin", "two.bin", "three.bin"):
        assert len(open_maps(tmp_path / name).names) == 2


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("none", None, "there is no folder or file of maps"),
        ("x.txt", b"text", "is neither a folder nor a file that holds maps: expected .zip,"),
        ("x.h5", b"text", r"x\.h5' is neither|x\.h5' cannot be read"),
        ("x.json", b"{}", "must be a list of .* the format of SALICON"),
        ("x.json", b"[", r"x\.json' cannot be read"),
        ("x.npy", b"text", r"x\.npy' cannot be read"),
        ("x.mat", b"text", r"x\.mat' cannot be read"),
    ],
)
def test_other_files(name, content, text, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=text):
        open_maps(tmp_path / name)


def test_a_folder_without_maps(tmp_path):
    with pytest.raises(InputError, match=r"no maps in .*; known suffixes: \.bmp"):
        open_maps(tmp_path)


@pytest.mark.parametrize("archived", [False, True])
def test_maps_that_are_to_be_shown_turned_are_read_as_stored(tmp_path, archived):
    folder = tmp_path / "maps"
    folder.mkdir()
    for name, orientation in (("a.jpg", 1), ("b.jpg", 6), ("c.png", 3), ("d.tif", 1)):
        tags = Image.Exif()
        tags[0x0112] = orientation
        Image.fromarray(np.full((4, 6), 7, np.uint8)).save(folder / name, exif=tags)
    np.save(folder / "e.npy", np.eye(3))
    path = folder
    if archived:
        path = tmp_path / "maps.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, file.name)
    maps = open_maps(path)
    sizes = list(maps.sizes(maps.names))
    (note,) = maps.notes
    assert note.startswith("2 of 5 maps say that they are to be shown turned")
    assert "such as 'b.jpg', 'c.png'; they are read as stored" in note
    assert list(maps.sizes(["a.jpg"])) == [(4, 6)]
    assert maps.notes == ()
    assert sizes == [(4, 6)] * 4 + [(3, 3)]
    assert maps.read("b.jpg").shape == (4, 6)


@pytest.mark.parametrize("name", ["x.mat", "x.npy", "x.npz", "x.h5", "x.json", "x.zip"])
def test_files_of_nothing_and_of_little(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"cannot be read: it is empty$"):
        open_maps(tmp_path / name)
    (tmp_path / name).write_bytes(bytes(range(50, 150)))
    with pytest.raises(InputError, match=r"cannot be read: |it is no HDF5 file") as caught:
        open_maps(tmp_path / name)
    assert "IndexError" not in str(caught.value)
    with pytest.raises(InputError, match="there is no folder or file of maps"):
        open_maps(tmp_path / ("a" * 300 + name))

"""Stored maps: which belongs to which image, what is read, what is refused, in every form."""

import base64
import io
import json
import pickle
import struct
import tarfile
import warnings
import zipfile
import zlib

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

import salmetrics
from salmetrics import InputError, StoredMaps
from salmetrics.errors import InputWarning
from salmetrics.fingerprint import fingerprint
from salmetrics.models.stored_maps import naming_for

IDS = ["a.jpg", "sub/b.jpg", "c.jpeg"]
SIZE = (4, 5)
FIXATIONS = salmetrics.Fixations.from_arrays([1, 3, 2], [2, 1, 3], [0, 1, 2], n_images=3)


def stimuli_of(ids, size=SIZE):
    return salmetrics.Stimuli.from_sizes([size] * len(ids), ids=ids)


@pytest.fixture
def stimuli():
    return stimuli_of(IDS)


def grey(seed, dtype=np.uint8):
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, top, SIZE, dtype=dtype)


MAPS = {"a": grey(0), "sub/b": grey(1, np.uint16), "c": np.linspace(-1, 1, 20).reshape(SIZE)}


def bytes_of(array, form="PNG"):
    stream = io.BytesIO()
    if form == "npy":
        np.save(stream, array)
    else:
        Image.fromarray(array).save(stream, form)
    return stream.getvalue()


FILES = {
    "a.png": bytes_of(MAPS["a"]),
    "sub/b.png": bytes_of(MAPS["sub/b"]),
    "c.npy": bytes_of(MAPS["c"], "npy"),
}


def write_folder(path, files=FILES):
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "maps")


def write_zip(path, files=FILES):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_tar(path, files=FILES):
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def write_npz(path):
    np.savez(path, **MAPS)
    return path


def write_h5(path):
    with h5py.File(path, "w") as file:
        for name, array in zip(IDS, MAPS.values(), strict=True):
            file[name] = array
    return path


def cells():
    array = np.empty((1, 3), object)
    array[0, :] = list(MAPS.values())
    return array


def write_mat(path):
    savemat(path, {"results": cells()})
    return path


def write_mat73(path):
    """A cell array as MATLAB 7.3 writes it: references, and arrays with their axes swapped."""
    with h5py.File(path, "w", userblock_size=512) as file:
        refs = file.create_dataset("results", (3, 1), dtype=h5py.ref_dtype)
        refs.attrs["MATLAB_class"] = np.bytes_("cell")
        for i, array in enumerate(MAPS.values()):
            refs[i, 0] = file.create_dataset(f"#refs#/{i}", data=array.T).ref
    return path


STORES = {
    "folder": write_folder,
    "maps.zip": write_zip,
    "maps.tar": write_tar,
    "maps.tar.gz": write_tar,
    "maps.npz": write_npz,
    "maps.h5": write_h5,
    "maps.mat": write_mat,
    "maps73.mat": write_mat73,
}


@pytest.mark.parametrize("name", STORES)
def test_maps_are_read_as_they_are(name, tmp_path, stimuli):
    path = STORES[name](tmp_path / name)
    model = salmetrics.as_model(path, stimuli)
    assert model.name == name.partition(".")[0]
    again = pickle.loads(pickle.dumps(model))
    for stimulus, expected in zip(stimuli, MAPS.values(), strict=True):
        for one in (model, again):
            found = one.saliency_map(stimulus)
            np.testing.assert_array_equal(found, expected)
    assert fingerprint(model) == fingerprint(again)


@pytest.mark.parametrize("name", STORES)
def test_the_fingerprint_is_that_of_the_bytes(name, tmp_path, stimuli):
    path = STORES[name](tmp_path / name)
    before = StoredMaps(path, stimuli).fingerprint
    file = path / "a.png" if path.is_dir() else path
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    if path.is_dir():
        file.write_bytes(data)
        assert StoredMaps(path, stimuli).fingerprint != before
    again = tmp_path / "again"
    again.mkdir()
    if name not in ("maps.npz", "maps73.mat", "maps.zip", "maps.mat", "maps.h5", "maps.tar.gz"):
        assert StoredMaps(STORES[name](again / name), stimuli).fingerprint == before


def test_salicon_json(tmp_path):
    stimuli = stimuli_of(["COCO_val2014_000000000042.jpg", "COCO_val2014_000000581929.jpg"])
    maps = [grey(0), grey(1)]
    entries = [
        {"image_id": number, "saliency_map": base64.b64encode(bytes_of(array)).decode()}
        for number, array in zip((42, 581929), maps, strict=True)
    ]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(entries[::-1]))
    model = salmetrics.as_model(path, stimuli)
    again = pickle.loads(pickle.dumps(model))
    for stimulus, expected in zip(stimuli, maps, strict=True):
        np.testing.assert_array_equal(model.saliency_map(stimulus), expected)
        np.testing.assert_array_equal(again.saliency_map(stimulus), expected)
    entries[0]["saliency_map"] = "%%%"
    path.write_text(json.dumps(entries))
    with pytest.raises(InputError, match=r"the map of image 42 in .* cannot be read"):
        salmetrics.as_model(path, stimuli)


def test_a_stack_in_the_order_of_the_images(tmp_path, stimuli):
    stack = np.random.default_rng(0).random((3, *SIZE))
    np.save(tmp_path / "stack.npy", stack)
    savemat(tmp_path / "stack.mat", {"results": np.moveaxis(stack, 0, 2)})
    for name in ("stack.npy", "stack.mat"):
        model = salmetrics.as_model(tmp_path / name, stimuli)
        for stimulus, expected in zip(stimuli, stack, strict=True):
            np.testing.assert_array_equal(model.saliency_map(stimulus), expected)


def test_parts_of_files(tmp_path, stimuli):
    savemat(tmp_path / "two.mat", {"mine": cells(), "theirs": cells()[:, ::-1]})
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["mine/a"], file["mine/b"], file["mine/c"] = MAPS.values()
        file["other"] = np.zeros(SIZE)
    for name in ("two.mat", "two.h5"):
        model = salmetrics.as_model(f"{tmp_path / name}:mine", stimuli)
        np.testing.assert_array_equal(model.saliency_map(stimuli[1]), MAPS["sub/b"])
        direct = salmetrics.as_model(StoredMaps(tmp_path / name, stimuli, part="mine"))
        np.testing.assert_array_equal(direct.saliency_map(stimuli[1]), MAPS["sub/b"])
    prints = {
        StoredMaps(tmp_path / "two.mat", stimuli, part=p).fingerprint for p in ("mine", "theirs")
    }
    assert len(prints) == 2


# ---- which map belongs to which image


@pytest.mark.parametrize(
    ("names", "ids", "found"),
    [
        (["b.npy", "a.npy"], ["a.jpg", "b.jpg"], ["a.npy", "b.npy"]),
        (["x/y/a.npy", "x/y/b.npy"], ["y/a.jpg", "b.jpg"], ["x/y/a.npy", "x/y/b.npy"]),
        (["a.npy", "b.npy"], ["in/a.jpg", "in/b.jpg"], ["a.npy", "b.npy"]),
        (["1/a.npy", "2/a.npy"], ["2/a.jpg", "1/a.jpg"], ["2/a.npy", "1/a.npy"]),
        (["m/1/a.npy", "m/2/a.npy"], ["2/a.jpg", "1/a.jpg"], ["m/2/a.npy", "m/1/a.npy"]),
        (["a.npy", "1/a.npy"], ["1/a.jpg"], ["1/a.npy"]),
        (["a.jpg.npy", "a.png.npy"], ["a.png", "a.jpg"], ["a.png.npy", "a.jpg.npy"]),
        (["a.b.npy", "a.c.npy"], ["a.b", "a.c"], ["a.b.npy", "a.c.npy"]),
        (["._a.npy", "__MACOSX/a.npy", "a.npy"], ["a.jpg"], ["a.npy"]),
    ],
)
def test_matching(names, ids, found, tmp_path):
    arrays = {name: np.full(SIZE, float(i)) for i, name in enumerate(names)}
    files = {name: bytes_of(array, "npy") for name, array in arrays.items()}
    for path in (write_folder(tmp_path / "maps", files), write_zip(tmp_path / "maps.zip", files)):
        stimuli = stimuli_of(ids)
        model = StoredMaps(path, stimuli)
        for stimulus, name in zip(stimuli, found, strict=True):
            np.testing.assert_array_equal(model(stimulus), arrays[name])


@pytest.mark.parametrize(
    ("names", "ids", "text"),
    [
        (["a.npy"], ["a.jpg", "b.jpg"], "no map for 'b.jpg'. A map is"),
        (["1/a.npy", "2/a.npy"], ["a.jpg"], r"2 maps for 'a.jpg' \(1/a.npy, 2/a.npy\)"),
        (["a.npy"], ["1/a.jpg", "2/a.jpg"], "one map, a.npy, for '1/a.jpg' and '2/a.jpg'"),
        (
            ["2/a.npy", "3/b.npy"],
            ["1/a.jpg"],
            "no map for '1/a.jpg'. Maps without an image: 2, '2/a",
        ),
        (["a.npy"], ["a.jpg", "a.png"], "one map, a.npy, for 'a.jpg' and 'a.png'"),
        (
            ["x.npy"],
            [f"{i}.jpg" for i in range(12)],
            "no map for '0.jpg'; .*; no map for '9.jpg'; and 2 more. Maps without an image: 1, 'x",
        ),
    ],
)
def test_one_error_for_all_images(names, ids, text, tmp_path):
    path = write_folder(tmp_path / "maps", {n: bytes_of(np.zeros(SIZE), "npy") for n in names})
    with pytest.raises(InputError, match=text):
        StoredMaps(path, stimuli_of(ids))


def test_all_kinds_of_problems_in_one_error(folder, stimuli):
    (folder / "c.npy").unlink()
    (folder / "sub" / "b.png").write_bytes(FILES["sub/b.png"][:20])
    np.save(folder / "a.npy", np.zeros(SIZE))
    np.save(folder / "d.npy", np.zeros((8, 10)))
    (folder / "e.png").write_bytes(bytes_of(MAPS["a"]))
    expected = (
        r"does not fit the 4 images: 2 maps for 'a.jpg' \(a.npy, a.png\); no map for 'c.jpeg'; "
        r"map '.*b.png' cannot be read: .*; the map of 'd.jpg' has size \(8, 10\), the image "
        r"\(4, 5\); use resize='bilinear'. Maps without an image: 3, 'a.npy'"
    )
    with pytest.raises(InputError, match=expected):
        salmetrics.as_model(folder, stimuli_of([*IDS, "d.jpg"]))


def test_problems_are_listed_in_full(tmp_path):
    path = write_folder(tmp_path / "maps", {"a.npy": bytes_of(np.zeros(SIZE), "npy")})
    maps = StoredMaps(path)
    assert len(maps.problems(stimuli_of([f"{i}.jpg" for i in range(30)]))) == 30
    assert maps.extra == ("a.npy",)
    assert maps.problems(stimuli_of(["a.jpg"])) == []
    assert maps.extra == ()


def test_images_that_were_not_named_at_first(folder):
    maps = StoredMaps(folder)
    np.testing.assert_array_equal(maps(stimuli_of(["a.jpg"])[0]), MAPS["a"])
    with pytest.raises(InputError, match=r"has no map for 'z.jpg'"):
        maps(stimuli_of(["z.jpg"])[0])


def numbered(names):
    """Return one .npy file per name, whose map is full of the name's place."""
    return {f"{n}.npy": bytes_of(np.full(SIZE, float(i)), "npy") for i, n in enumerate(names)}


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        (["Action/001_sal", "Art/001_sal"], "the maps have '_sal' after the name"),
        (["m/Action/Output/001", "m/Art/Output/001"], "the maps are in folders 'Output'"),
    ],
)
def test_what_all_maps_have_is_said(names, rule, tmp_path):
    path = write_folder(tmp_path / "maps", numbered(names))
    images = stimuli_of(["Action/001.png", "Art/001.png"])
    with pytest.warns(InputWarning, match=f"maps': {rule}$"):
        maps = StoredMaps(path, images)
    assert (maps.rule, maps.notes) == (rule, (rule,))
    assert [maps(image)[0, 0] for image in images] == [0, 1]
    other = stimuli_of(["Action/001.png", "Affective/001.png"])
    with pytest.raises(InputError, match=r"no map for 'Affective/001\.png'"):
        StoredMaps(path, other)


def test_notes_are_warned_of_once(tmp_path):
    maps = StoredMaps(write_folder(tmp_path / "maps", numbered(["a_sal", "b_sal"])))
    images = stimuli_of(["a.png", "b.png"])
    assert maps.notes == ()
    with pytest.warns(InputWarning, match="the maps have '_sal' after the name"):
        maps.check(images)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        maps.check(images)
        assert maps.notes == ("the maps have '_sal' after the name",)
        write_folder(tmp_path / "plain", numbered(["a", "b"]))
        assert StoredMaps(tmp_path / "plain", images).notes == ()


def test_maps_of_no_image_and_maps_shown_turned_are_noted(tmp_path):
    names = [f"{i}.png" for i in range(10)]
    folder = tmp_path / "maps"
    folder.mkdir()
    tags = Image.Exif()
    tags[0x0112] = 6
    for name in [*names, "more.png"]:
        Image.fromarray(grey(0)).save(folder / name, exif=tags)
    with pytest.warns(InputWarning) as warned:
        maps = StoredMaps(folder, stimuli_of(names))
    assert maps.notes[0] == "1 map belongs to no image: 'more.png'"
    assert maps.notes[1].startswith("10 of 10 maps say that they are to be shown turned")
    assert [str(w.message) for w in warned] == [f"{str(folder)!r}: {note}" for note in maps.notes]
    copy = pickle.loads(pickle.dumps(maps))
    assert copy.notes == maps.notes


def test_a_template_of_names(tmp_path):
    path = write_folder(tmp_path / "maps", numbered(["a", "a_sal", "b", "b_sal"]))
    images = stimuli_of(["a.png", "b.png"])
    for template in ("{stem}_sal", "{stem}_sal.npy", "{stem}_sal.png"):
        model = salmetrics.as_model(path, images, map_name=template)
        assert [model.saliency_map(image)[0, 0] for image in images] == [1, 3]
    with pytest.raises(InputError, match=r"map_name= asks for maps such as 'a_sl'"):
        StoredMaps(path, images, map_name="{stem}_sl")
    with pytest.raises(InputError, match="are for the path of maps"):
        salmetrics.as_model({"a.png": MAPS["a"]}, map_name="{stem}")


def test_names_that_are_numbers(tmp_path):
    images = stimuli_of(["cat.png", "dog.png"])
    np.savez(tmp_path / "maps.npz", np.zeros(SIZE), np.ones(SIZE))
    text = "If they are in the order of the images, say so: map_name='arr_{index}'"
    with pytest.raises(InputError, match=text):
        StoredMaps(tmp_path / "maps.npz", images)
    maps = StoredMaps(tmp_path / "maps.npz", images, map_name="arr_{index}")
    assert [maps(image)[0, 0] for image in images] == [0, 1]


def test_a_stack_whose_order_may_be_meant_otherwise(tmp_path):
    ids = sorted(f"i{k}.png" for k in range(1, 12))  # i1, i10, i11, i2, ...
    np.save(tmp_path / "maps.npy", np.arange(11.0)[:, None, None] * np.ones(SIZE))
    both = r"order i1.png, i10.png, i11.png ... or i1.png, i2.png, i3.png ...; say which"
    with pytest.raises(InputError, match=both):
        StoredMaps(tmp_path / "maps.npy", stimuli_of(ids))
    given = StoredMaps(tmp_path / "maps.npy", stimuli_of(ids), map_order="given")
    assert [given(image)[0, 0] for image in stimuli_of(ids)] == list(range(11))
    by_number = StoredMaps(tmp_path / "maps.npy", stimuli_of(ids), map_order="numbered")
    assert [by_number(image)[0, 0] for image in stimuli_of(ids)] == [0, 9, 10, *range(1, 9)]
    shuffled = stimuli_of(ids[::-1])  # an order that somebody chose
    assert StoredMaps(tmp_path / "maps.npy", shuffled)(shuffled[0])[0, 0] == 0
    with pytest.raises(InputError, match="map_order must be one of"):
        StoredMaps(tmp_path / "maps.npy", shuffled, map_order="random")


@pytest.mark.parametrize(("field", "first"), [("index", 0), ("position", 1)])
def test_templates_that_count_images_have_two_orders_as_stacks_do(field, first, tmp_path):
    images = stimuli_of(sorted(f"i{k}.png" for k in range(1, 12)))  # i1, i10, i11, i2, ...
    path = tmp_path / "maps.npz"
    np.savez(path, **{f"arr_{first + k}": np.full(SIZE, float(k)) for k in range(11)})
    template = f"arr_{{{field}}}"
    both = r"order i1.png, i10.png, i11.png ... or i1.png, i2.png, i3.png ...; say which"
    with pytest.raises(InputError, match=both):
        StoredMaps(path, images, map_name=template)
    given = StoredMaps(path, images, map_name=template, map_order="given")
    assert [given(image)[0, 0] for image in images] == list(range(11))
    numbered = StoredMaps(path, images, map_name=template, map_order="numbered")
    assert [numbered(image)[0, 0] for image in images] == [0, 9, 10, *range(1, 9)]
    with pytest.raises(InputError, match="order of the images: it needs stimuli"):
        StoredMaps(path, map_name=template)


def test_the_hint_of_a_template_names_both_orders(tmp_path):
    images = stimuli_of(sorted(f"i{k}.png" for k in range(3, 14)))
    np.savez(tmp_path / "maps.npz", *np.zeros((11, *SIZE)))
    text = (
        r"map_name='arr_\{index\}', with map_order='given' \(i10.png, i11.png, i12.png ...\) or "
        r"'numbered' \(i3.png, i4.png, i5.png ...\)"
    )
    with pytest.raises(InputError, match=text):
        StoredMaps(tmp_path / "maps.npz", images)


def test_an_order_of_maps_with_names_is_refused(folder, stimuli):
    with pytest.raises(InputError, match="map_order= is for maps without names, and for map_name="):
        StoredMaps(folder, stimuli, map_order="given")
    with pytest.raises(InputError, match="have names, so leave it out"):
        StoredMaps(folder, stimuli, map_name="{stem}", map_order="numbered")


def test_a_template_for_maps_without_names_is_refused(tmp_path, stimuli):
    np.save(tmp_path / "s.npy", np.zeros((3, *SIZE)))
    text = (
        r"map_name= is for maps with names; those in '.*s.npy' have none .* which map_order= says"
    )
    for template in ("{stem}_s", "{index}"):
        with pytest.raises(InputError, match=text):
            StoredMaps(tmp_path / "s.npy", stimuli, map_name=template, map_order="given")
    rows = [{"image_id": 1, "saliency_map": base64.b64encode(bytes_of(grey(0))).decode()}]
    (tmp_path / "s.json").write_text(json.dumps(rows))
    with pytest.raises(InputError, match=r"map_name= .* have the numbers of their images"):
        StoredMaps(tmp_path / "s.json", map_name="{stem}_s")


def test_what_maps_need_of_a_template_and_an_order(folder, tmp_path):
    np.save(tmp_path / "s.npy", np.zeros((3, *SIZE)))
    assert naming_for(tmp_path / "s.npy", None, "{stem}_s", "given") == (None, "given")
    assert naming_for(folder, None, "{stem}_s", "given") == ("{stem}_s", None)
    assert naming_for(folder, None, "{index}", "given") == ("{index}", "given")
    assert naming_for(folder, None, None, "given") == (None, None)


def test_maps_numbered_from_0_and_images_from_1(tmp_path):
    path = write_folder(tmp_path / "maps", numbered(map(str, range(12))))
    images = stimuli_of([f"{k}.png" for k in range(1, 12)])
    with pytest.raises(InputError, match=r"say which: map_name='\{number\}' or '\{index\}'"):
        StoredMaps(path, images)
    with pytest.warns(InputWarning, match="1 map belongs to no image: '0.npy'"):
        by_number = StoredMaps(path, images, map_name="{number}")
    assert [by_number(image)[0, 0] for image in images] == list(range(1, 12))
    with pytest.warns(InputWarning, match="1 map belongs to no image: '11.npy'"):
        by_place = StoredMaps(path, images, map_name="{index}")
    assert [by_place(image)[0, 0] for image in images] == list(range(11))


def test_maps_of_a_larger_set_are_no_matter(tmp_path):
    path = write_folder(tmp_path / "maps", numbered(map(str, range(1, 13))))
    assert len(StoredMaps(path, stimuli_of([f"{k}.png" for k in range(1, 11)])).extra) == 2


def test_results_record_which_maps_were_read(tmp_path):
    files = {f"{name}_s.png": bytes_of(grey(ord(name))) for name in "abc"}
    path = write_folder(tmp_path / "maps", files)
    with pytest.warns(InputWarning, match="'_s' after"):
        model = salmetrics.as_model(path, stimuli_of(["a.png", "b.png", "c.png"]))
    assert model.parameters == {"file": "maps", "rule": "the maps have '_s' after the name"}
    images = stimuli_of(["a.png", "b.png", "c.png"])
    model = salmetrics.as_model(path, images, map_name="{stem}_s")
    result = salmetrics.evaluate(model, images, FIXATIONS, metrics=["NSS"], n_bootstrap=0)
    assert result.provenance["models"]["maps"]["parameters"] == {
        "file": "maps",
        "map_name": "{stem}_s",
    }


@pytest.mark.parametrize("resize", [None, "bilinear"])
@pytest.mark.parametrize("size", [(5, 4), (10, 8)])
def test_maps_turned_round(resize, size, tmp_path):
    path = write_folder(tmp_path / "maps", {"a.npy": bytes_of(np.zeros(size), "npy")})
    with pytest.raises(InputError, match=r"it looks transposed; save it as \(height, width\)") as e:
        salmetrics.as_model(path, stimuli_of(["a.jpg"]), resize=resize)
    assert "resize" not in str(e.value)
    model = salmetrics.as_model(lambda s: np.zeros(size), kind="saliency_map", resize=resize)
    with pytest.raises(InputError, match="it looks transposed"):
        salmetrics.nss(model, stimuli_of(IDS), FIXATIONS)


def test_hidden_and_junk_folders_are_skipped(tmp_path):
    names = ["a", ".cache/a", "__MACOSX/a", "@eaDir/a", "sub/.ipynb_checkpoints/a"]
    for path in (
        write_folder(tmp_path / "maps", numbered(names)),
        write_zip(tmp_path / "maps.zip", numbered(names)),
    ):
        assert StoredMaps(path, stimuli_of(["a.jpg"])).extra == ()


# ---- what a file holds


def test_densities(tmp_path, stimuli):
    path = write_folder(
        tmp_path / "maps",
        {f"{n}.npy": bytes_of(np.full(SIZE, -np.log(20)), "npy") for n in MAPS},
    )
    model = salmetrics.as_model(path, stimuli, kind="log_density")
    found = salmetrics.log_likelihood(model, stimuli, FIXATIONS)
    assert found == pytest.approx(-np.log2(20), rel=1e-14)
    with pytest.raises(InputError, match=r"logsumexp|sum"):
        salmetrics.log_likelihood(
            salmetrics.as_model(path, stimuli, kind="density"), stimuli, FIXATIONS
        )


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1", "L", "I;16", "F", "CMYK"])
def test_grey_in_any_mode_of_an_image(mode, tmp_path):
    levels = np.random.default_rng(0).choice([0, 255], SIZE).astype(np.uint8)
    image = Image.fromarray(levels)
    form = "TIFF" if mode in ("F", "CMYK") else "PNG"
    if mode == "I;16":
        image = Image.fromarray(levels.astype(np.uint16) * 257)
    elif mode == "P":
        image = image.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE)
        assert (np.asarray(image) != levels).any()  # the numbers in the file are no grey levels
    elif mode == "CMYK":
        image = Image.fromarray(np.dstack([np.zeros((*SIZE, 3), np.uint8), 255 - levels]), "CMYK")
    else:
        image = image.convert(mode)
    path = tmp_path / "maps"
    path.mkdir()
    image.save(path / ("a.tif" if form == "TIFF" else "a.png"), form)
    found = salmetrics.as_model(path, stimuli_of(["a.jpg"])).saliency_map(stimuli_of(["a.jpg"])[0])
    np.testing.assert_array_equal(found.astype(float) / found.max(), levels / 255)


def png_with_wide_colours():
    """A PNG with 16 bits for each of three colours, which Pillow would cut to 8."""
    rows = b"".join(b"\0" + struct.pack(">15H", *range(15)) for _ in range(4))

    def part(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", 5, 4, 16, 2, 0, 0, 0)
    parts = [part(b"IHDR", head), part(b"IDAT", zlib.compress(rows)), part(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


COLOURED = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.png", bytes_of(COLOURED), "must be grey, but it is coloured"),
        ("a.npy", bytes_of(COLOURED, "npy"), r"must be a map of shape \(height, width\); got"),
        (
            "a.png",
            png_with_wide_colours(),
            "has several channels of 16 bits; save it as grey levels",
        ),
        ("a.npy", bytes_of(np.array([["a"] * 5] * 4), "npy"), "must hold numbers"),
        ("a.png", FILES["a.png"][:60], "cannot be read"),
        ("a.npy", FILES["c.npy"][:-9], "cannot be read"),
    ],
)
def test_bad_maps(name, data, text, tmp_path):
    path = write_folder(tmp_path / "maps", {name: data})
    stimuli = stimuli_of(["a.jpg"])
    with pytest.raises(InputError, match=f"a.{name[-3:]}.*{text}"):
        salmetrics.as_model(path, stimuli).saliency_map(stimuli[0])


def test_python_objects_are_not_read(tmp_path):
    stream = io.BytesIO()
    np.save(stream, np.array([[{}] * 5] * 4), allow_pickle=True)
    path = write_folder(tmp_path / "maps", {"a.npy": stream.getvalue()})
    with pytest.raises(InputError, match="holds Python objects, which are never unpickled"):
        StoredMaps(path, stimuli_of(["a.jpg"]))


def test_maps_of_another_size(folder, stimuli):
    np.save(folder / "c.npy", np.ones((8, 10)))
    with pytest.raises(InputError, match=r"the map of 'c.jpeg' has size \(8, 10\), the image"):
        salmetrics.nss(folder, stimuli, FIXATIONS)
    model = salmetrics.as_model(folder, stimuli, resize="bilinear")
    assert np.isfinite(salmetrics.nss(model, stimuli, FIXATIONS))


# ---- what is no store of maps


def text_file(path):
    path.write_text("hello")


def empty_folder(path):
    path.mkdir()


def other_hdf5(path):
    salmetrics.write_hdf5(FIXATIONS, path)


def empty_hdf5(path):
    h5py.File(path, "w").close()


def wrong_variable(path):
    savemat(path, {"salmaps": cells()})


def one_array(path):
    savemat(path, {"results": np.zeros((2, 3, 4, 5))})


def truncated_zip(path):
    path.write_bytes(write_zip(path).read_bytes()[:100])


def corrupt_zip(path):
    data = bytearray(write_zip(path).read_bytes())
    data[70:75] = b"xxxxx"
    path.write_bytes(data)


def truncated_mat(path):
    path.write_bytes(write_mat(path).read_bytes()[:200])


def wrong_json(path):
    path.write_text('{"image_id": 1}')


def repeated_json(path):
    entry = {"image_id": 1, "saliency_map": ""}
    path.write_text(json.dumps([entry, entry]))


def broken_json(path):
    path.write_text('[{"image_id": 1')


def flat_stack(path):
    np.save(path, np.zeros(SIZE))


def object_stack(path):
    np.save(path, np.array([{}]), allow_pickle=True)


@pytest.mark.parametrize(
    ("name", "make", "text"),
    [
        ("none", None, "there is no folder or file of maps"),
        ("x.txt", text_file, "is neither a folder nor a file that holds maps: expected .zip"),
        ("x", empty_folder, r"no maps in .*known suffixes: \.bmp"),
        ("x.h5", other_hdf5, "is an HDF5 file, but holds Fixations, not maps"),
        ("x.h5", empty_hdf5, "no maps in"),
        ("x.h5", text_file, "is neither a folder nor a file that holds maps"),
        (
            "x.mat",
            wrong_variable,
            "has no variable 'results'; it has 'salmaps'. Name one: x.mat:VAR",
        ),
        ("x.mat", one_array, r"must be a cell array .*; got \(2, 3, 4, 5\)"),
        ("x.mat", truncated_mat, "x.mat' cannot be read"),
        ("x.mat", text_file, "x.mat' cannot be read"),
        ("x.zip", truncated_zip, "cannot be read.*It may be an incomplete download"),
        ("x.zip", corrupt_zip, "cannot be read"),
        ("x.zip", text_file, "cannot be read"),
        ("x.npz", text_file, "cannot be read"),
        ("x.json", wrong_json, "must be a list of"),
        ("x.json", repeated_json, "holds image 1 twice"),
        ("x.json", broken_json, "x.json' cannot be read"),
        ("x.npy", flat_stack, r"must hold one map per image, shape \(n, height, width\); got"),
        ("x.npy", object_stack, "holds Python objects"),
        ("x.npy", text_file, "x.npy' cannot be read"),
    ],
)
def test_bad_stores(name, make, text, tmp_path, stimuli):
    if make is not None:
        make(tmp_path / name)
    with pytest.raises(InputError, match=text):
        salmetrics.as_model(tmp_path / name, stimuli)


def test_maps_without_names_need_all_images(tmp_path, stimuli):
    write_mat(tmp_path / "x.mat")
    with pytest.raises(InputError, match="3 maps without names, in the order of the images: it"):
        salmetrics.as_model(tmp_path / "x.mat")
    with pytest.raises(
        InputError, match="it holds 3 maps without names, and must hold one for each image"
    ):
        salmetrics.as_model(tmp_path / "x.mat", stimuli[:2])
    model = StoredMaps(tmp_path / "x.mat", stimuli)
    np.testing.assert_array_equal(model(stimuli[2:][0]), MAPS["c"])
    with pytest.raises(InputError, match="image 'z' is not among the images that"):
        model(stimuli_of(["z"])[0])


@pytest.mark.parametrize("name", ["maps.zip", "maps.npz"])
def test_parts_of_files_without_parts(name, tmp_path, stimuli):
    STORES[name](tmp_path / name)
    with pytest.raises(InputError, match="has no parts, so 'x' cannot be chosen"):
        salmetrics.as_model(f"{tmp_path / name}:x", stimuli)


def test_a_missing_group(tmp_path, stimuli):
    write_h5(tmp_path / "x.h5")
    with pytest.raises(InputError, match=r"has no group 'y'; it has 'a.jpg', 'c.jpeg', 'sub'"):
        salmetrics.as_model(f"{tmp_path / 'x.h5'}:y", stimuli)


def test_names_in_a_mat_file(tmp_path, stimuli):
    """Maps with names go by these, in any order, and with any part of the images."""
    names = np.empty((1, 3), object)
    names[0, :] = IDS
    savemat(tmp_path / "x.mat", {"results": cells(), "names": names})
    with h5py.File(tmp_path / "y.mat", "w", userblock_size=512) as file:
        for key, values in (
            ("results", [array.T for array in MAPS.values()]),
            ("names", [np.array([[ord(c)] for c in name], np.uint16) for name in IDS]),
        ):
            refs = file.create_dataset(key, (3, 1), dtype=h5py.ref_dtype)
            refs.attrs["MATLAB_class"] = np.bytes_("cell")
            for i, value in enumerate(values):
                refs[i, 0] = file.create_dataset(f"#refs#/{key}{i}", data=value).ref
    for file in ("x.mat", "y.mat"):
        turned = stimuli[[2, 0]]
        model = salmetrics.as_model(tmp_path / file, turned)
        np.testing.assert_array_equal(model.saliency_map(turned[0]), MAPS["c"])
        np.testing.assert_array_equal(model.saliency_map(turned[1]), MAPS["a"])


def test_one_map_alone_in_a_mat_file(tmp_path):
    savemat(tmp_path / "x.mat", {"results": MAPS["c"]})
    stimuli = stimuli_of(["a.jpg"])
    model = salmetrics.as_model(tmp_path / "x.mat", stimuli)
    np.testing.assert_array_equal(model.saliency_map(stimuli[0]), MAPS["c"])


def test_maps_opened_without_images_are_checked_before_scoring(tmp_path, stimuli):
    for kind in ("saliency_map", "log_density"):
        path = write_folder(tmp_path / kind, {"a.npy": bytes_of(np.full(SIZE, -np.log(20)), "npy")})
        model = salmetrics.as_model(path, kind=kind)
        with pytest.raises(InputError, match=r"no map for 'sub/b.jpg'; no map for 'c.jpeg'"):
            salmetrics.nss(model, stimuli, FIXATIONS)


def test_fitted_densities_check_their_maps(tmp_path, stimuli):
    path = write_folder(tmp_path / "all", {f"{n}.npy": bytes_of(a, "npy") for n, a in MAPS.items()})
    model = salmetrics.fit_density(salmetrics.as_model(path), stimuli, FIXATIONS, folds=None)
    more = stimuli_of([*IDS, "d.jpg"])
    fixations = salmetrics.Fixations.from_arrays([1, 2], [2, 1], [0, 3])
    with pytest.raises(InputError, match=r"no map for 'd.jpg'"):
        salmetrics.log_likelihood(model, more, fixations)


def test_a_map_is_not_given_to_a_second_image(tmp_path):
    path = write_folder(tmp_path / "maps", {"1.npy": bytes_of(np.zeros(SIZE), "npy")})
    model = salmetrics.as_model(path, stimuli_of(["A/1.jpg"]))
    with pytest.raises(InputError, match=r"image 'B/1.jpg' is not among the images that"):
        model.saliency_map(stimuli_of(["B/1.jpg"])[0])


@pytest.mark.parametrize("number", [12, 12.0, "12", "012"])
def test_numbers_as_json_has_them(number, tmp_path):
    data = base64.b64encode(FILES["a.png"]).decode()
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"image_id": number, "saliency_map": data}]))
    stimuli = stimuli_of(["COCO_000000000012.jpg"])
    np.testing.assert_array_equal(
        salmetrics.as_model(path, stimuli).saliency_map(stimuli[0]), MAPS["a"]
    )


@pytest.mark.parametrize("number", [12.5, "x", None, float("inf")])
def test_invalid_numbers(number, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"image_id": number, "saliency_map": ""}]))
    with pytest.raises(InputError, match="must be a list of"):
        StoredMaps(path)


def test_grey_with_alpha_of_16_bits(tmp_path):
    data = bytearray(png_with_wide_colours())
    head = struct.pack(">IIBBBBB", 5, 4, 16, 4, 0, 0, 0)
    data[16:29] = head
    data[29:33] = struct.pack(">I", zlib.crc32(b"IHDR" + head))
    path = write_folder(tmp_path / "maps", {"a.png": bytes(data)})
    with pytest.raises(InputError, match="has several channels of 16 bits"):
        StoredMaps(path, stimuli_of(["a.jpg"]))


def test_several_pages(tmp_path):
    (tmp_path / "maps").mkdir()
    pages = [Image.fromarray(MAPS["a"])] * 2
    pages[0].save(tmp_path / "maps" / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(InputError, match="must hold one image; it holds 2"):
        StoredMaps(tmp_path / "maps", stimuli_of(["a.jpg"]))


def test_odd_hdf5_files(tmp_path):
    stimuli = stimuli_of(["a.jpg", "b.jpg"])
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["deep/a.jpg"] = MAPS["c"][np.newaxis]
        file["deep/b.jpg"] = h5py.SoftLink("/deep/a.jpg")
        file["deep/again"] = file["deep"]  # a circle
        file["one"] = MAPS["c"]
        file["none"] = h5py.Empty("f4")
    model = salmetrics.as_model(f"{tmp_path / 'x.h5'}:deep", stimuli)
    for stimulus in stimuli:
        np.testing.assert_array_equal(model.saliency_map(stimulus), MAPS["c"])
    with pytest.raises(InputError, match=r"'one' of .* is not a group, but one array"):
        StoredMaps(tmp_path / "x.h5", part="one")
    with pytest.raises(InputError, match=r"map 'none' .* must be a map of shape"):
        StoredMaps(tmp_path / "x.h5", stimuli_of(["none"]))
    with h5py.File(tmp_path / "x.h5", "a") as file:
        file.attrs["kind"] = "heat"
    with pytest.raises(InputError, match="declares the kind 'heat'; expected one of log_density"):
        StoredMaps(tmp_path / "x.h5")


def test_a_compressed_tar_backwards(tmp_path):
    files = {f"{i}.npy": bytes_of(np.full(SIZE, float(i)), "npy") for i in range(20)}
    for suffix in ("gz", "bz2", "xz"):
        path = tmp_path / f"x.tar.{suffix}"
        with tarfile.open(path, f"w:{suffix}") as archive:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        stimuli = stimuli_of([f"{i}.jpg" for i in range(20)])
        model = salmetrics.as_model(path, stimuli)
        assert model.name == "x"
        for i in reversed(range(20)):
            assert (model.saliency_map(stimuli[i]) == i).all()


def test_resized_maps_must_be_readable(tmp_path):
    path = write_folder(tmp_path / "maps", {"a.png": FILES["a.png"][:20]})
    with pytest.raises(InputError, match=r"map .* cannot be read"):
        salmetrics.as_model(path, stimuli_of(["a.jpg"]), resize="bilinear")


def test_a_stack_with_its_axes_in_another_order(tmp_path):
    stimuli = stimuli_of(["a.jpg", "b.jpg"])
    stack = np.random.default_rng(0).random((2, *SIZE))
    last = np.moveaxis(stack, 0, -1)
    np.save(tmp_path / "x.npy", last)
    np.savez(tmp_path / "x.npz", last)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["maps"] = last
    for name in ("x.npy", "x.npz", "x.h5"):
        with pytest.raises(InputError, match=r"\(4, 5, 2\) looks like \(height, width, n\)"):
            salmetrics.as_model(tmp_path / name, stimuli)
    savemat(tmp_path / "x.mat", {"results": stack})
    with pytest.raises(InputError, match=r"\(2, 4, 5\) looks like \(n, height, width\)"):
        salmetrics.as_model(tmp_path / "x.mat", stimuli)
    model = salmetrics.as_model(stack[..., np.newaxis], stimuli, kind="saliency_map")
    np.testing.assert_array_equal(model.saliency_map(stimuli[1]), stack[1])

import gzip
import shutil
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.io import savemat

from salmetrics import Fixations, InputError, InputWarning, Stimuli
from salmetrics.datasets import load_folder
from salmetrics.datasets.folder import load_images


@pytest.fixture
def folder(tmp_path):
    for name in ("b/x.JPG", "a.png", "notes.txt"):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        if path.suffix == ".txt":
            path.write_text("no image")
        else:
            Image.fromarray(np.zeros((10, 20, 3), np.uint8)).save(path)
    (tmp_path / "f.csv").write_text("file,x,y,subject\na.png,3,4,u\nx,25,4,v\n")
    return tmp_path


def test_load(folder):
    dataset = load_folder(
        folder / "pictures", folder / "f.csv", outside="drop", pixels_per_degree=7
    )
    assert dataset.name == "pictures"
    assert dataset.stimuli.ids == ("a.png", "b/x.JPG")
    assert dataset.stimuli.pixels_per_degree == 7
    assert dataset.fixations.subject.tolist() == ["u"]
    assert dataset.info == {"recorded": 2, "dropped_outside": 1}
    assert dict(dataset.fixations.left_out) == {"fixations outside their image": 1}
    clipped = load_folder(folder / "pictures", folder / "f.csv", outside="clip")
    assert clipped.fixations.x.tolist() == [3, 19.5]
    assert clipped.info == {"recorded": 2, "dropped_outside": 0, "moved_inside": 1}


@pytest.mark.parametrize(
    ("images", "options", "text"),
    [
        (
            "pictures",
            {},
            r"f\.csv': 1 of 2 fixations are outside .* line 3: x=25, y=4 on 'b/x.JPG' .*='drop'",
        ),
        ("pictures", {"missing": "skip"}, "missing must be one of 'error', 'drop'"),
        ("pictures", {"outside": "keep"}, "outside must be one of 'error', 'drop', 'clip'"),
        ("none", {}, r"image folder '.*none' does not exist"),
        ("f.csv", {}, r"f\.csv' is a file; images= takes a folder of images"),
    ],
)
def test_errors(folder, images, options, text):
    with pytest.raises(InputError, match=text):
        load_folder(folder / images, folder / "f.csv", **options)


@pytest.fixture
def counts(folder):
    """Maps of counts in the folder "maps", of three fixations on one image, one on the other."""
    first, second = np.zeros((10, 20), np.uint8), np.zeros((10, 20), np.uint8)
    first[2, 7], first[9, 19], second[0, 3] = 2, 1, 1
    (folder / "maps/b").mkdir(parents=True)
    Image.fromarray(first).save(folder / "maps/a.png")
    np.save(folder / "maps/b/x.npy", second)
    return {"a": first, "x": second}


@pytest.mark.parametrize("kind", ["folder", "zip", "npz"])
def test_maps_of_fixations(folder, counts, kind):
    path = folder / "maps"
    if kind == "zip":
        path = Path(shutil.make_archive(str(folder / "packed"), "zip", path))
    elif kind == "npz":
        path = folder / "maps.npz"
        np.savez(path, **counts)
    fixations = load_folder(folder / "pictures", path).fixations
    assert fixations.image.tolist() == [0, 0, 0, 1]
    assert fixations.x.tolist() == [7.5, 7.5, 19.5, 3.5]
    assert fixations.y.tolist() == [2.5, 2.5, 9.5, 0.5]


def test_images_without_a_map(folder, counts):
    (folder / "maps/b/x.npy").unlink()
    with pytest.raises(InputError, match=r"no map for 'b/x.JPG'.*with missing='drop'"):
        load_folder(folder / "pictures", folder / "maps")
    dataset = load_folder(folder / "pictures", folder / "maps", missing="drop")
    assert dataset.fixations.counts().tolist() == [3, 0]
    assert dict(dataset.fixations.left_out) == {"images without a map of fixations": 1}
    (folder / "maps/a.png").rename(folder / "maps/other.png")
    with pytest.raises(InputError, match=r"maps' has a map for none of the 2 images \('a.png'"):
        load_folder(folder / "pictures", folder / "maps", missing="drop")


def test_wrong_maps_of_fixations(folder, counts):
    with pytest.raises(InputError, match="holds maps of fixations; x=, units= need a table"):
        load_folder(folder / "pictures", folder / "maps", x="x", units="pixel")
    np.save(folder / "maps/b/x.npy", np.zeros((20, 10)))
    with pytest.raises(
        InputError, match=r"'b/x.JPG' has size \(20, 10\).*cannot be resized|transposed"
    ):
        load_folder(folder / "pictures", folder / "maps")
    (folder / "nothing").mkdir()
    with pytest.raises(InputError, match=r"no maps in .*a table is a file: fixations='table.csv'"):
        load_folder(folder / "pictures", folder / "nothing")


@pytest.mark.parametrize(
    ("options", "x", "y"),
    [
        ({}, 5, 5),
        ({"units": "normalised"}, 5 * 20, 5 * 10),
        ({"origin": "bottom-left"}, 5, 10 - 5),
        ({"origin": "centre"}, 10 + 5, 5 - 5),
        ({"origin": "centre-y-down"}, 10 + 5, 5 + 5),
        ({"one_based": True}, 4, 4),
        ({"units": "degree", "origin": "top-left", "pixels_per_degree": 2}, 10, 10),
    ],
)
def test_units(folder, options, x, y):
    (folder / "u.csv").write_text("name,a,b\na.png,5,5\n")
    path, columns = folder / "u.csv", {"image": "name", "x": "a", "y": "b"}
    if 0 <= x < 20 and 0 <= y < 10:
        fixations = load_folder(folder / "pictures", path, **columns, **options).fixations
        assert (fixations.x.tolist(), fixations.y.tolist()) == ([x], [y])
    else:
        with pytest.raises(InputError, match=rf"line 2: x={x}, y={y} on .* use outside='drop'"):
            load_folder(folder / "pictures", path, **columns, **options)


def test_tables_that_are_packed(folder):
    with zipfile.ZipFile(folder / "f.csv.zip", "w") as archive:
        archive.write(folder / "f.csv", "f.csv")
    (folder / "f.csv.gz").write_bytes(gzip.compress((folder / "f.csv").read_bytes()))
    for name in ("f.csv.zip", "f.csv.gz"):
        fixations = load_folder(folder / "pictures", folder / name, outside="clip").fixations
        assert fixations.x.tolist() == [3, 19.5]


def test_names_of_maps_of_fixations(folder, counts):
    for path in [*(folder / "maps").rglob("*.png"), *(folder / "maps").rglob("*.npy")]:
        path.rename(path.with_stem(f"{path.stem}_fixMap"))
        path.with_stem(f"{path.stem}_other").write_bytes(b"no map")
    fixations = load_folder(
        folder / "pictures", folder / "maps", map_name="{stem}_fixMap"
    ).fixations
    assert fixations.counts().tolist() == [3, 1]


def test_what_maps_of_fixations_have_is_noted(folder, counts):
    for path in [*(folder / "maps").rglob("*.png"), *(folder / "maps").rglob("*.npy")]:
        path.rename(path.with_stem(f"{path.stem}_fix"))
    with pytest.warns(InputWarning, match="the maps have '_fix' after the name") as warned:
        fixations = load_folder(folder / "pictures", folder / "maps").fixations
    assert len(warned) == 1
    assert fixations.notes == ("the maps of fixations: the maps have '_fix' after the name",)


def test_fixations_that_are_dropped_for_another_origin_are_warned_of(folder):
    rows = [f"a.png,{x},{y}" for x in (-9, -3, 0, 4, 8) for y in (-4, -1, 0, 3)]
    (folder / "centred.csv").write_text("\n".join(["file,x,y", *rows]))
    for outside in ("drop", "clip"):
        with pytest.warns(InputWarning, match=r"14 of 20 .*in the middle .* give origin='centre'"):
            found = load_folder(folder / "pictures", folder / "centred.csv", outside=outside)
        assert found.fixations.notes[0].startswith("14 of 20 fixations are outside their image")
    with pytest.raises(InputError, match="give origin='centre'"):
        load_folder(folder / "pictures", folder / "centred.csv")
    centred = load_folder(folder / "pictures", folder / "centred.csv", origin="centre")
    assert len(centred.fixations) == 20


def test_rows_on_other_images(folder):
    (folder / "more.csv").write_text("file,x,y\na.png,1,2\nz.png,3,4\nb/x.JPG,5,6\nz.png,7,8\n")
    with pytest.raises(InputError, match=r"'z.png' in line 3; .*unknown_images='drop' leaves such"):
        load_folder(folder / "pictures", folder / "more.csv")
    dataset = load_folder(folder / "pictures", folder / "more.csv", unknown_images="drop")
    assert dataset.fixations.x.tolist() == [1, 5]
    assert dict(dataset.fixations.left_out) == {"rows on images that are not among these": 2}
    (folder / "other.csv").write_text("file,x,y\nz.png,3,4\n")
    with pytest.raises(InputError, match=r"all 1 image names are unknown, such as 'z.png'"):
        load_folder(folder / "pictures", folder / "other.csv", unknown_images="drop")
    (folder / "pictures/c").mkdir()
    shutil.copy(folder / "pictures/b/x.JPG", folder / "pictures/c/x.JPG")
    (folder / "two.csv").write_text("file,x,y\nx.JPG,3,4\n")
    with pytest.raises(InputError, match=r"may be 'b/x.JPG', 'c/x.JPG'"):
        load_folder(folder / "pictures", folder / "two.csv", unknown_images="drop")


def test_a_template_of_the_names_in_a_table(folder):
    lines = ["file,x,y", "stim001,1,2", "stim002,3,4", "stim003,5,6"]
    (folder / "numbered.csv").write_text("\n".join(lines))
    images, table = folder / "pictures", folder / "numbered.csv"
    with pytest.raises(InputError, match="image_name= says how names follow from ids"):
        load_folder(images, table)
    template = {"image_name": "stim{position:03d}"}
    (folder / "two.csv").write_text("\n".join(lines[:3]))
    fixations = load_folder(images, folder / "two.csv", **template).fixations
    assert (fixations.image.tolist(), fixations.x.tolist()) == ([0, 1], [1, 3])
    with pytest.raises(InputError, match="'stim003' in line 4"):
        load_folder(images, table, **template)
    dropped = load_folder(images, table, **template, unknown_images="drop").fixations
    assert dropped.image.tolist() == [0, 1]
    assert dict(dropped.left_out) == {"rows on images that are not among these": 1}
    frame = pd.read_csv(folder / "two.csv")
    again = Fixations.from_dataframe(frame, load_images(images), **template)
    assert again.image.tolist() == [0, 1]
    stimuli = Stimuli.from_sizes([(9, 9)] * 3, ids=["i1.png", "i10.png", "i2.png"])
    with pytest.raises(InputError, match=r"order i1.png, i10.png, .* or i1.png, i2.png"):
        Fixations.from_dataframe(frame, stimuli, **template)
    template = {"image_name": "stim{number:03d}"}
    assert Fixations.from_dataframe(frame, stimuli, **template).image.tolist() == [0, 2]


def test_a_common_part_of_names_beside_rows_on_other_images(tmp_path):
    (tmp_path / "img").mkdir()
    for k in range(4):
        Image.new("RGB", (20, 10)).save(tmp_path / f"img/im{k}.png")
    rows = [f"s_im{k},{k},1" for k in range(4)]
    (tmp_path / "f.csv").write_text("\n".join(["file,x,y", *rows, "cross,1,1"]))
    with pytest.warns(InputWarning, match="'s_' before the name"):
        dataset = load_folder(tmp_path / "img", tmp_path / "f.csv", unknown_images="drop")
    assert dataset.fixations.image.tolist() == [0, 1, 2, 3]
    assert dict(dataset.fixations.left_out) == {"rows on images that are not among these": 1}


def test_maps_of_fixations_without_names(tmp_path):
    (tmp_path / "img").mkdir()
    for k in range(1, 12):  # img1, img10, img11, img2, ...
        Image.new("RGB", (20, 10)).save(tmp_path / f"img/img{k}.png")
    maps = np.zeros((11, 10, 20), np.uint8)
    maps[range(11), 3, range(11)] = 1
    np.save(tmp_path / "fs.npy", maps)
    last = maps.transpose(1, 2, 0)
    savemat(tmp_path / "fs.mat", {"results": last * 0, "fix": last})
    for path in (tmp_path / "fs.npy", f"{tmp_path / 'fs.mat'}:fix"):
        with pytest.raises(InputError, match="say which: map_order='given' or 'numbered'"):
            load_folder(tmp_path / "img", path)
        given = load_folder(tmp_path / "img", path, map_order="given").fixations
        assert given.x.tolist() == [0.5 + k for k in range(11)]
        for missing in ("error", "drop"):
            numbered = load_folder(
                tmp_path / "img", path, map_order="numbered", missing=missing
            ).fixations
            assert numbered.x.tolist() == [0.5 + k for k in (0, 9, 10, *range(1, 9))]
            assert numbered.image.tolist() == list(range(11))
    np.save(tmp_path / "few.npy", maps[:10])
    with pytest.raises(InputError, match="must hold one for each image, in their order"):
        load_folder(tmp_path / "img", tmp_path / "few.npy", map_order="given")


def test_a_table_alone_in_a_zip_archive(folder):
    with zipfile.ZipFile(folder / "any.zip", "w") as archive:
        archive.writestr("f.csv", "file,x,y\na.png,3,4\n")
        archive.writestr("__MACOSX/._f.csv", "x")
    assert load_folder(folder / "pictures", folder / "any.zip").fixations.x.tolist() == [3]


def test_many_places_outside_for_no_known_reason(folder):
    inside, outside = ["a.png,3.5,4.5", "a.png,19.5,2.5"] * 10, ["a.png,700.5,3.5"] * 10
    for n, is_warned in ((10, True), (9, False)):
        (folder / "m.csv").write_text("\n".join(["file,x,y", *inside, *outside[:n]]))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = load_folder(folder / "pictures", folder / "m.csv", outside="drop")
        assert list(found.fixations.notes) == [str(w.message) for w in caught]
        assert [str(w.message) for w in caught] == [
            "10 of 30 fixations are outside their image. Check the units, the origin and the size "
            "of the images"
        ] * is_warned


def test_positions_on_the_screen_are_said_where_they_are_outside(folder):
    rows = [f"{x},{y},a.png,s" for x in (5, 60, 70) for y in (3, 40, 50, 60)]
    header = "CURRENT_FIX_X,CURRENT_FIX_Y,image,RECORDING_SESSION_LABEL"
    (folder / "screen.csv").write_text("\n".join([header, *rows]))
    data = folder / "pictures", folder / "screen.csv"
    with pytest.raises(InputError, match=r"outside='clip'.*\. Tables of this program have pos"):
        load_folder(*data, preset="eyelink")
    with pytest.warns(InputWarning, match=r"11 of 12 .* subtract the place of the image"):
        load_folder(*data, preset="eyelink", outside="drop")


def test_maps_of_fixations_are_named_and_what_is_odd_is_noted(folder, counts):
    first = 120 * counts["a"]
    Image.fromarray(first).save(folder / "maps/a.png")
    with pytest.raises(InputError, match=r"fixation map 'a.png': all its values are multiples"):
        load_folder(folder / "pictures", folder / "maps")
    with pytest.warns(InputWarning, match=r"1 of 2 fixation maps are .* map 'a.png': all its"):
        found = load_folder(folder / "pictures", folder / "maps", values="marks").fixations
    assert found.counts().tolist() == [2, 1]
    assert len(found.notes) == 1

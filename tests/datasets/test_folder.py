import numpy as np
import pytest
from PIL import Image

from salmetrics import InputError
from salmetrics.datasets import load_folder


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
    clipped = load_folder(folder / "pictures", folder / "f.csv", outside="clip")
    assert clipped.fixations.x.tolist() == [3, 19.5]


@pytest.mark.parametrize(
    ("images", "options", "text"),
    [
        ("pictures", {}, r"1 of 2 fixations are outside .* x=25, y=4 on 'b/x.JPG'"),
        ("pictures", {"outside": "keep"}, "outside must be one of 'error', 'drop', 'clip'"),
        ("none", {}, r"image folder '.*none' does not exist"),
        ("f.csv", {}, "image folder .* does not exist"),
    ],
)
def test_errors(folder, images, options, text):
    with pytest.raises(InputError, match=text):
        load_folder(folder / images, folder / "f.csv", **options)

import pickle

import numpy as np
import pytest
from PIL import Image

from salmetrics import InputError, Stimuli


@pytest.fixture
def folder(tmp_path):
    for k, name in enumerate(["a/1.png", "a/2.png", "b/1.png"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((4 + k, 6, 3), k, np.uint8)).save(tmp_path / name)
    return tmp_path


def files(folder):
    return sorted(folder.rglob("*.png"))


def test_files(folder):
    stimuli = Stimuli.from_files(files(folder), sigma=3, pixels_per_degree=20)
    assert stimuli.ids == ("a/1.png", "a/2.png", "b/1.png")
    assert stimuli.sizes.tolist() == [[4, 6], [5, 6], [6, 6]]
    assert (stimuli[2].id, stimuli[-1].size) == ("b/1.png", (6, 6))
    assert np.array_equal(stimuli[1].image, np.full((5, 6, 3), 1))
    assert (stimuli.sigma, stimuli.pixels_per_degree) == (3, 20)
    assert repr(stimuli) == "Stimuli(3 images, 3 sizes)"


def test_ids_of_files(folder):
    assert Stimuli.from_files(files(folder)[:2]).ids == ("1.png", "2.png")
    below = Stimuli.from_files(files(folder), root=folder.parent)
    assert below.ids[0] == f"{folder.name}/a/1.png"
    assert Stimuli.from_files(files(folder), ids=["x", "y", "z"]).ids == ("x", "y", "z")
    assert Stimuli.from_files([]).ids == ()
    with pytest.raises(InputError, match=r"1\.png' is not inside root '.*b'"):
        Stimuli.from_files(files(folder), root=folder / "b")


def test_pixels_are_read_when_asked_for(folder):
    stimuli = Stimuli.from_files(files(folder))
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(folder / "a/1.png")
    with pytest.raises(InputError, match=r"'a/1.png' now has size \(9, 9\), but had \(4, 6\)"):
        stimuli[0].image  # noqa: B018
    (folder / "a/2.png").unlink()
    with pytest.raises(InputError, match=r"2\.png' does not exist"):
        stimuli[1].rgb  # noqa: B018


def test_arrays():
    grey, colour = np.arange(6, dtype=np.uint8).reshape(2, 3), np.ones((2, 3, 4), np.uint8)
    stimuli = Stimuli.from_arrays([grey, colour])
    assert stimuli.ids == ("0", "1")
    assert np.array_equal(stimuli[0].image, grey)
    assert stimuli[1].image.shape == (2, 3, 3)
    assert np.array_equal(stimuli[0].rgb, np.stack([grey] * 3, -1))
    assert repr(stimuli) == "Stimuli(2 images, 3x2)"
    assert repr(stimuli[0]) == "Stimulus(id='0', size=(2, 3))"


def test_sizes_without_pixels():
    stimuli = Stimuli.from_sizes([(2, 3)], ids=["only"])
    with pytest.raises(InputError, match=r"'only' has no pixels.*use Stimuli\.from_files"):
        stimuli[0].image  # noqa: B018
    assert len(Stimuli.from_sizes([])) == 0


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (slice(1, None, 2), "bd"),
        ([3, 0], "da"),
        (np.array([-1, 1]), "db"),
        (np.array([True, False, False, True]), "ad"),
        ([], ""),
        (slice(None, None, -1), "dcba"),
    ],
)
def test_selection_keeps_everything(index, expected):
    stimuli = Stimuli.from_sizes(
        [(1, 2), (2, 3), (3, 4), (4, 5)],
        ids="abcd",
        attributes={"category": list("wxyz"), "score": np.eye(4)},
        sigma=2,
        pixels_per_degree=30,
    )
    chosen = stimuli[index]
    assert "".join(chosen.ids) == expected
    assert chosen.sizes[:, 0].tolist() == ["abcd".index(c) + 1 for c in expected]
    assert "".join(chosen.attributes["category"]) == expected.translate(
        str.maketrans("abcd", "wxyz")
    )
    assert (chosen.sigma, chosen.pixels_per_degree) == (2, 30)
    assert [s.id for s in chosen] == list(expected)
    for stimulus in chosen:
        assert stimulus.attributes["score"][int(stimulus.size[0]) - 1] == 1


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (np.array([True]), r"a mask for 2 stimuli must have shape \(2,\); got \(1,\)"),
        ([0, 2], "index 2 is out of range for 2 stimuli"),
        ([-3], "index -3 is out of range for 2 stimuli"),
        ([0.5], "stimuli are indexed by an integer, a slice.*got float64"),
        ([[0]], r"got int64 of shape \(1, 1\)"),
    ],
)
def test_wrong_selections(index, text):
    with pytest.raises(InputError, match=text):
        Stimuli.from_sizes([(1, 1), (1, 1)])[index]


def test_index_past_the_end():
    stimuli = Stimuli.from_sizes([(1, 1), (1, 1)])
    with pytest.raises(IndexError):
        stimuli[2]
    assert stimuli[np.int64(-1)].id == "1"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"ids": ["a", "a"]}, r"ids must be unique; repeated: 'a' \(1 in all\)"),
        ({"ids": ["a"]}, "ids must name each of the 2 images; got 1 ids"),
        ({"sigma": 0}, "sigma must be a positive number; got 0"),
        ({"sigma": 1e9}, "sigma must be at most 10000 pixels; got 1000000000.0"),
        ({"pixels_per_degree": 10001}, "pixels_per_degree must be at most 10000 pixels; got"),
        ({"sigma": np.nan}, "sigma must be a positive number; got nan"),
        ({"pixels_per_degree": -1}, "pixels_per_degree must be a positive number"),
        ({"attributes": {"k": [1]}}, r"attribute 'k' must have one value for each of the 2 images"),
    ],
)
def test_errors(arguments, text):
    with pytest.raises(InputError, match=text):
        Stimuli.from_sizes([(1, 1), (2, 2)], **arguments)


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ([(1, 1), (0, 3)], "sizes must be at least 1x1; image 1 is not"),
        ([(1.5, 2)], "pairs of integers .*got float64"),
        (
            [(1, 2, 3)],
            r"must be 1 pairs of integers \(height, width\); got int64 of shape \(1, 3\)",
        ),
    ],
)
def test_wrong_sizes(sizes, text):
    with pytest.raises(InputError, match=text):
        Stimuli.from_sizes(sizes)


def test_immutable():
    category = np.array([1, 2])
    stimuli = Stimuli.from_sizes([(1, 1), (2, 2)], attributes={"category": category})
    category[0] = 9
    assert stimuli.attributes["category"].tolist() == [1, 2]
    for array in (stimuli.sizes, stimuli.attributes["category"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
    with pytest.raises(TypeError):
        stimuli[0] = stimuli[1]


def test_pickles_small(folder):
    stimuli = Stimuli.from_files(files(folder), sigma=2)
    stimuli[0].image  # noqa: B018  # what was read is not kept
    data = pickle.dumps(stimuli)
    assert len(data) < 2000
    copy = pickle.loads(data)
    assert (copy.ids, copy.sigma) == (stimuli.ids, 2)
    assert np.array_equal(copy[2].image, stimuli[2].image)
    with pytest.raises(ValueError, match="read-only"):
        copy.sizes[0] = 1

import pickle

import numpy as np
import pytest

from salmetrics import Dataset, Fixations, InputError, Stimuli
from salmetrics.data.dataset import data_fingerprint


@pytest.fixture
def dataset():
    stimuli = Stimuli.from_sizes([(9, 8), (7, 6), (5, 4)], ids="abc")
    fixations = Fixations.from_arrays([1, 2, 3, 1], [1, 2, 3, 4], [0, 1, 0, 2], n_images=3)
    return Dataset("toy", stimuli, fixations, {"licence": "MIT"})


def test_unpacks(dataset):
    stimuli, fixations = dataset
    assert (stimuli, fixations) == (dataset.stimuli, dataset.fixations)
    assert len(dataset) == 3
    assert repr(dataset) == (
        "Dataset('toy', Stimuli(3 images, 3 sizes), Fixations(4 fixations, 3 images, 1 subjects))"
    )


@pytest.mark.parametrize(
    ("index", "ids", "x"),
    [
        ([2, 0], "ca", [1, 1, 3]),
        (slice(0, 2), "ab", [1, 3, 2]),
        (np.array([False, True, True]), "bc", [2, 1]),
        (-1, "c", [1]),
        (np.int64(1), "b", [2]),
        ([], "", []),
    ],
)
def test_selection(dataset, index, ids, x):
    chosen = dataset[index]
    assert "".join(chosen.stimuli.ids) == ids
    assert chosen.fixations.x.tolist() == x
    assert chosen.fixations.n_images == len(chosen) == len(ids)
    assert (chosen.name, chosen.info) == ("toy", {"licence": "MIT"})


@pytest.mark.parametrize(
    ("index", "text"),
    [
        ([True, False], "a mask for 3 images must have shape"),
        (3, "index 3 is out of range for 3 images"),
        ("a", "images are indexed by an integer"),
    ],
)
def test_wrong_selection(dataset, index, text):
    with pytest.raises(InputError, match=text):
        dataset[index]


def test_checks_fixations(dataset):
    with pytest.raises(InputError, match="on 3 images, but there are 2 stimuli"):
        Dataset("toy", dataset.stimuli[:2], dataset.fixations)
    outside = Fixations.from_arrays([1, 2, 3, 1], [1, 7, 3, 5], [0, 1, 0, 2])
    with pytest.raises(InputError, match=r"2 of 4 fixations are outside .* row 1: x=2, y=7 on 'b'"):
        Dataset("toy", dataset.stimuli, outside)


def test_pickle(dataset):
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.stimuli.ids == dataset.stimuli.ids
    assert copy[1:].fixations.y.tolist() == dataset[1:].fixations.y.tolist()


def test_fingerprints():
    """Each part has a digest of its own; names and facts are not among them."""
    images = np.arange(2 * 12, dtype=np.uint8).reshape(2, 3, 4)

    def digests(pixels=images, ids=("a", "b"), x=(1.0, 2.0), category=("in", "out"), t=(0, 1)):
        stimuli = Stimuli.from_arrays(list(pixels), ids, attributes={"category": list(category)})
        return data_fingerprint(stimuli, Fixations.from_arrays(x, [0, 1], [0, 1], t=t))

    before = digests()
    assert digests(images.copy()) == before
    changes = {
        "images": digests(ids=("a", "c")),
        "attributes": digests(category=("in", "in")),
        "pixels": digests(images + np.uint8(1)),
        "fixations": digests(x=(1.0, 2.5)),
    }
    assert set(before) == set(changes)
    for part, after in changes.items():
        assert {name for name in before if after[name] != before[name]} == {part}
    assert digests(t=(0, 2)) == before  # other columns do not matter

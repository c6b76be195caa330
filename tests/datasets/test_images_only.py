"""Test sets without fixations, from their published layouts."""

import pytest

from tests.datasets.published import check_loading


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("mit300", ("i1", "i2", "i10")),  # natural order
        (
            "cat2000-test",
            tuple(f"{c}/{i:03}" for c in ("Action", "Affective", "Art") for i in (1, 2)),
        ),
    ],
)
def test_from_archives_and_again(tiny, archives, tmp_path, name, ids):
    description = tiny(name)
    dataset = check_loading(name, {}, description, archives(name), tmp_path)
    assert dataset.stimuli.ids == ids
    assert len(dataset.fixations) == 0
    assert dataset.fixations.n_images == len(ids)
    categories = [path.partition("/")[0] for path in ids] if name == "cat2000-test" else None
    found = dataset.stimuli.attributes.get("category")
    assert (found is None) if categories is None else (found.tolist() == categories)

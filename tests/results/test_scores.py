"""Raw scores: joined, and made into one number."""

import numpy as np
import pytest

from salmetrics.results.scores import Scores
from salmetrics.statistics.cells import Cells, Ratio, Sample

CELLS = Cells(np.array([0, 0, 0, 2, 2]), np.array(["x", "y", "x", "x", "x"]))  # (0 x) (0 y) (2 x)


def scores_of(sums, values=None, **parts):
    return Scores(
        CELLS,
        values={key: np.array(value) for key, value in (values or {}).items()},
        sums={key: np.array(value) for key, value in sums.items()},
        **parts,
    )


@pytest.mark.parametrize(
    ("average", "value"),
    # sums 4, 1, 6 of 2, 1, 2 fixations
    [("fixation", 11 / 5), ("image", (5 / 3 + 3) / 2), ("subject", (10 / 4 + 1) / 2)],
)
def test_a_metric_with_one_value_per_fixation(average, value):
    sample = scores_of({("m", "NSS"): [4.0, 1.0, 6.0]}).sample("m", "NSS", average)
    assert isinstance(sample, Sample)
    assert sample.value == pytest.approx(value, rel=1e-15)


def test_a_metric_with_one_value_per_image_is_averaged_over_images():
    scores = scores_of({}, {("m", "CC"): [0.5, np.nan, 0.25]})
    for average in ("fixation", "image", "subject"):
        sample = scores.sample("m", "CC", average)
        assert sample.value == 0.375
        assert sample.image.tolist() == [0, 2]


def test_a_share_of_the_gold_standard():
    sums = {("m", "IG"): [1.0, 0.5, 1.0], ("gold", "IG"): [2.0, 1.0, 2.0]}
    scores = scores_of(sums, gold_standard="gold")
    share = scores.sample("m", "IGE", "fixation")
    assert isinstance(share, Ratio)
    assert share.value == 0.5
    assert scores.sample("gold", "IGE", "image").value == 1.0


def test_joined_scores():
    first = scores_of(
        {("a", "NSS"): [1.0, 2.0, 3.0]},
        reasons={("a", "LL"): "why"},
        n_predictions=2,
        gold_standard="gold",
    )
    second = scores_of(
        {("b", "NSS"): [4.0, 5.0, 6.0]}, {("b", "CC"): [1.0]}, failures={("b", 1): "no"}
    )
    both = first.join(second)
    assert set(both.sums) == {("a", "NSS"), ("b", "NSS")}
    assert set(both.values) == {("b", "CC")}
    assert both.reasons == {("a", "LL"): "why"}
    assert both.failures == {("b", 1): "no"}
    assert (both.n_predictions, both.gold_standard) == (2, "gold")


def test_joined_scores_know_single_fixations_only_if_both_do():
    full = scores_of({("a", "NSS"): [1.0, 2.0, 3.0]})
    small = Scores(CELLS.without_fixations(), sums={("b", "NSS"): np.ones(3)})
    assert full.join(full).cells.of_fixation is not None
    assert full.join(small).cells.of_fixation is None
    assert small.join(full).cells.of_fixation is None

"""Scores as they come in: chunks as arrays, sums over cells, and reasons at the end."""

import numpy as np
import pytest

from salmetrics.densities.mean_density import MeanDensity
from salmetrics.engine.plan import Plan
from salmetrics.engine.score_table import ScoreTable
from salmetrics.engine.scorer import ImageScores
from salmetrics.protocols import DEFAULT
from tests.engine.scenes import Density, Map, scene

_, FIXATIONS = scene()
METRICS = ("LL", "NSS", "CC")


def table_of(models=None, metrics=METRICS, keep="fixation"):
    models = models or {"m": Map()}
    protocol = DEFAULT.override(metrics=metrics)
    return ScoreTable(list(models), Plan(models, protocol), FIXATIONS, protocol, keep=keep)


def image_scores(i, nss, cc):
    return ImageScores(i, {("m", "NSS"): np.array(nss), ("m", "CC"): cc}, n_calls={"m": 1})


FIRST = {0: image_scores(0, [1.0, 2.0, 4.0], 0.5), 1: image_scores(1, [8.0, 16.0], 0.25)}
LAST = {3: image_scores(3, [32.0, 64.0], np.nan)}


def filled(keep="fixation"):
    table = table_of(keep=keep)
    for chunk, done in (([0, 1], FIRST), ([3], LAST)):
        table.take("m", chunk, table.arrays("m", "first", chunk, done))
    return table


def test_images_that_have_fixations():
    assert table_of().images == [0, 1, 3]


def test_a_chunk_as_arrays():
    arrays = table_of().arrays("m", "first", [0, 1], FIRST)
    assert set(arrays) == {"values NSS", "values CC", "failures", "n_calls"}
    assert arrays["values NSS"].tolist() == [1, 2, 4, 8, 16]
    assert arrays["values CC"].tolist() == [0.5, 0.25]
    assert str(arrays["failures"]) == "{}"
    assert arrays["n_calls"] == 2


def test_values_go_to_the_fixations_of_their_image():
    scores = filled().finished()
    # rows of image 0 are 0, 4, 6; of image 1 they are 2, 3; of image 3 they are 1, 5
    assert scores.values["m", "NSS"].tolist() == [1, 32, 8, 16, 2, 64, 4]
    np.testing.assert_array_equal(scores.values["m", "CC"], [0.5, 0.25, np.nan, np.nan])
    assert scores.n_predictions == 3
    assert np.isnan(scores.values["m", "LL"]).all()
    assert np.isnan(scores.sums["m", "LL"]).all()


def test_sums_are_over_pairs_of_image_and_subject():
    scores = filled().finished()
    cells = dict(
        zip(
            zip(scores.cells.image, scores.cells.subjects[scores.cells.subject], strict=True),
            scores.sums["m", "NSS"],
            strict=True,
        )
    )
    assert cells == {
        (0, "x"): 1 + 4,
        (0, "y"): 2,
        (1, "x"): 8,
        (1, "y"): 16,
        (3, "x"): 64,
        (3, "y"): 32,
    }


def test_sums_alone_are_the_same_sums():
    full, small = filled().finished(), filled("image").finished()
    np.testing.assert_array_equal(small.sums["m", "NSS"], full.sums["m", "NSS"])
    assert ("m", "NSS") not in small.values
    np.testing.assert_array_equal(small.values["m", "CC"], full.values["m", "CC"])
    assert small.cells.of_fixation is None


def test_failures_travel_through_arrays():
    failed = ImageScores(1, failures={"m": "RuntimeError: no"}, n_calls={"m": 0})
    table = table_of()
    arrays = table.arrays("m", "first", [0, 1], {0: FIRST[0], 1: failed})
    assert arrays["values NSS"][:3].tolist() == [1, 2, 4]
    assert np.isnan(arrays["values NSS"][3:]).all()
    assert not table.failed("m", 1)
    table.take("m", [0, 1], arrays)
    assert table.failed("m", 1)
    assert not table.failed("m", 0)
    assert table.scores.failures == {("m", 1): "RuntimeError: no"}


@pytest.mark.parametrize("failed", [False, True])
def test_a_metric_without_any_value_has_a_reason(failed):
    table = table_of(metrics=("NSS", "CC"))
    for i in (0, 1, 3):
        n = FIXATIONS.counts()[i]
        done = image_scores(i, np.full(n, np.nan), np.nan)
        if failed:
            done = ImageScores(i, failures={"m": "no"})
        table.take("m", [i], table.arrays("m", "first", [i], {i: done}))
    reasons = table.finished().reasons
    assert set(reasons) == {("m", "NSS"), ("m", "CC")}
    expected = "see the errors of the result" if failed else "there are no nonfixations"
    assert all(expected in why for why in reasons.values())


def test_means_add_up_over_chunks():
    table = table_of({"m": Density()}, ("sAUC",))
    arrays = table.arrays("m", "first", [0], {})
    assert "values sAUC" not in arrays  # that is for the second pass
    for n, value in ((2, 3.0), (1, 4.0)):
        table.take("m", [0], arrays | {"density": np.full((2, 2), value), "n_densities": n})
    assert table.means["m"].n == 3
    assert table.means["m"].total.tolist() == [[7, 7], [7, 7]]
    assert table.means["m"].digest() == MeanDensity(np.full((2, 2), 7.0), 3).digest()


def test_a_model_that_failed_everywhere_has_no_value_of_the_second_pass():
    table = table_of({"m": Density()}, ("sAUC", "NSS"))
    table.give_up("m")
    assert np.isnan(table.scores.sums["m", "sAUC"]).all()
    assert not np.isnan(table.scores.sums["m", "NSS"]).any()

"""Groups of fixations by their columns, and scores of each."""

import numpy as np
import pytest

import salmetrics
from salmetrics import Evaluation, InputError
from salmetrics.datasets import generate_dataset
from salmetrics.results.grouping import grouped, kept_columns


def labels(values, bins=None, **options):
    """The label of each value's group."""
    codes, names = grouped(np.asarray(values), bins, **options)
    return [names[code] for code in codes]


def test_each_value():
    assert labels([3, 1, 3]) == [3, 1, 3]
    assert labels(["b", "a"]) == ["b", "a"]
    assert labels([True, False]) == [True, False]
    found = labels([0.5, np.nan, 0.1, np.nan])
    assert found[0::2] == [0.5, 0.1]
    assert np.isnan(found[1])
    assert np.isnan(found[3])


def test_ranges():
    assert labels([0.1, 0.2, 0.3], [0.2]) == ["below 0.2", "from 0.2", "from 0.2"]
    assert labels([0, 5, 10, 15], [5, 10]) == ["below 5", "5 to 10", "from 10", "from 10"]
    found = labels([1.0, np.nan, 2.0], [1.5])
    assert found[::2] == ["below 1.5", "from 1.5"]
    assert np.isnan(found[1])


def test_many_fractions_are_four_ranges_of_equal_size():
    values = np.random.default_rng(0).random(80)
    codes, names = grouped(values)
    assert np.bincount(codes).tolist() == [20, 20, 20, 20]
    quartiles = np.quantile(values, [0.25, 0.5, 0.75])
    assert names[1] == f"{quartiles[0]:.4g} to {quartiles[1]:.4g}"
    np.testing.assert_array_equal(codes, np.searchsorted(quartiles, values, side="right"))
    assert len(grouped(values, by_value=True)[1]) == 80
    assert np.bincount(grouped(values, 5)[0]).tolist() == [16] * 5
    # a limit at the smallest value would leave nothing below it
    assert labels([1, 1, 1, 1, 5], 4) == ["all"] * 5
    # labels have as many digits as they need to differ
    assert labels([1000001, 1000002, 1000003], [1000002, 1000003])[1] == "1000002 to 1000003"


@pytest.mark.parametrize(
    ("values", "bins", "text"),
    [
        (["a", "b"], 2, "bins are for numbers; the values are <U1"),
        ([1, 2], 1, "bins must be a whole number >= 2; got 1"),
        ([1, 2], [2, 1], "bins must be a whole number, or numbers that ascend"),
        ([1, 2], [], "bins must be a whole number, or numbers that ascend"),
        ([1, 2], "wide", "bins must be a whole number or numbers; got 'wide'"),
    ],
)
def test_errors(values, bins, text):
    with pytest.raises(InputError, match=text):
        grouped(np.asarray(values), bins)


def test_columns_that_are_kept():
    columns = {
        "x": np.array([1.0]),
        "image": np.array([0]),
        "subject": np.array(["s"]),
        "word": np.array(["a"], object),
        "odd": np.array([{}], object),
    }
    assert list(kept_columns(columns)) == ["x", "word"]
    assert kept_columns(columns)["word"].dtype.kind == "U"


# ---- scores


@pytest.fixture(scope="module")
def scored():
    made = generate_dataset(6, size=(20, 30), n_subjects=3).dataset
    stimuli, found = made
    rng = np.random.default_rng(4)
    columns = {name: found.columns[name] for name in ("x", "y", "image", "subject")}
    fixations = salmetrics.Fixations.from_arrays(
        **columns,
        index=rng.integers(0, 3, len(found)),
        duration=rng.gamma(4, 0.06, len(found)),
        task=np.where(rng.random(len(found)) < 0.5, "search", "view"),
    )
    gold = salmetrics.GoldStandard(
        stimuli, fixations, bandwidth=3, centre_weight=0.1, uniform_weight=0.1
    )
    models = {"centre": salmetrics.GaussianCentreBias(), "flat": salmetrics.Uniform()}
    result = salmetrics.evaluate(
        models,
        stimuli,
        fixations,
        metrics=["LL", "IG", "NSS", "CC"],
        baseline=salmetrics.Uniform(),
        gold_standard=gold,
        n_bootstrap=20,
    )
    return result, fixations


@pytest.mark.parametrize("column", ["index", "task"])
def test_the_mean_of_each_group(scored, column):
    result, fixations = scored
    table = result.by(column)
    each = result.per_fixation
    for value in np.unique(fixations.columns[column]):
        chosen = fixations.columns[column] == value
        for metric in ("LL", "NSS"):
            row = table.loc[value, "centre", metric]
            expected = each["centre", metric].to_numpy()[chosen].mean()
            assert row["value"] == pytest.approx(expected, rel=1e-12)
            assert row["n_fixations"] == chosen.sum()
            assert row["low"] < row["value"] < row["high"]
        gains = each.loc[:, (["centre", "gold-standard"], "IG")].to_numpy()[chosen].sum(axis=0)
        assert table.loc[(value, "centre", "IGE"), "value"] == pytest.approx(
            gains[0] / gains[1], rel=1e-12
        )
    assert "CC" not in table.index.unique("metric")


def test_durations_in_ranges(scored):
    result, fixations = scored
    table = result.by("duration", bins=[0.2, 0.3], intervals=False)
    assert table.index.unique("duration").tolist() == ["below 0.2", "0.2 to 0.3", "from 0.3"]
    chosen = (fixations.duration >= 0.2) & (fixations.duration < 0.3)
    expected = result.per_fixation["flat", "NSS"].to_numpy()[chosen].mean()
    assert table.loc[("0.2 to 0.3", "flat", "NSS"), "value"] == expected
    assert table["n_fixations"].xs(("flat", "LL"), level=(1, 2)).sum() == len(fixations)
    assert len(result.by("duration").index.unique("duration")) == 4


def test_averages_over_images_and_subjects(scored):
    result, fixations = scored
    stimuli = generate_dataset(6, size=(20, 30), n_subjects=3).dataset.stimuli
    values = salmetrics.nss(salmetrics.GaussianCentreBias(), stimuli, fixations, average=None)
    for average in ("image", "subject"):
        protocol = salmetrics.get_protocol("default").override(average=average, metrics=("NSS",))
        scores = salmetrics.evaluate(
            salmetrics.GaussianCentreBias(), stimuli, fixations, protocol=protocol
        )
        chosen = fixations.task == "search"
        units = fixations.columns[average][chosen]
        expected = np.mean([values[chosen][units == unit].mean() for unit in np.unique(units)])
        table = scores.by("task", intervals=False)
        assert table.loc["search"]["value"].item() == pytest.approx(expected, rel=1e-12)


def test_saved_and_selected(scored, tmp_path):
    result, fixations = scored
    result.save(tmp_path / "r.h5")
    loaded = Evaluation.load(tmp_path / "r.h5")
    for column in ("task", "duration"):
        # values per fixation are stored as float32
        np.testing.assert_allclose(
            loaded.by(column)["value"], result.by(column)["value"], rtol=1e-5, atol=1e-6
        )
        assert loaded.by(column).index.equals(result.by(column).index)
    assert loaded.columns["duration"].tolist() == fixations.duration.tolist()
    assert loaded.select(["flat"]).by("task").index.unique("model").tolist() == [
        "flat",
        "gold-standard",
    ]


def test_results_without_columns(scored):
    result, _ = scored
    stimuli, fixations = generate_dataset(3, size=(20, 30)).dataset
    sums = salmetrics.evaluate(
        salmetrics.Uniform(), stimuli, fixations, metrics=["LL"], keep="image"
    )
    with pytest.raises(InputError, match="fixations were not kept, so their columns"):
        sums.by("duration")
    with pytest.raises(InputError, match=r"no 'age'; .*a column of the fixations: 'x', 'y'"):
        result.by("age")

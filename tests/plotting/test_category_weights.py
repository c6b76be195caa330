"""Weights of backbones over a training."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from salmetrics import InputError
from salmetrics.plotting import plot_category_weights
from salmetrics.plotting.style import COLOURS

COLUMNS = ["category", "backbone", "epoch", "weight"]


def generated_weights(categories=("Art", "Social"), backbones="AB", epochs=3, folds=None, seed=0):
    """Random weights that sum to one over backbones, as a table."""
    rng = np.random.default_rng(seed)
    rows = []
    for fold in folds or [None]:
        for category in categories:
            for epoch in range(epochs):
                weights = rng.dirichlet(np.ones(len(backbones)))
                for backbone, weight in zip(backbones, weights, strict=True):
                    rows.append((category, backbone, epoch, weight, fold))
    table = pd.DataFrame(rows, columns=[*COLUMNS, "fold"])
    return table if folds else table[COLUMNS]


def lines_of(panel):
    """Return the lines of a panel by label, without the line of equal weights."""
    return {line.get_label(): line for line in panel.lines if line.get_label() != "equal weights"}


def legends(figure):
    return [*figure.legends, *(panel.get_legend() for panel in figure.axes if panel.get_legend())]


def texts(legend):
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize(("by", "other"), [("category", "backbone"), ("backbone", "category")])
def test_panels_and_lines(by, other):
    table = generated_weights()
    shuffled = table.sample(frac=1, random_state=1)
    axes = plot_category_weights(shuffled, by=by)
    assert axes.shape == (1, 2)
    assert [panel.get_title() for panel in axes[0]] == shuffled[by].unique().tolist()
    for panel in axes[0]:
        lines = lines_of(panel)
        assert list(lines) == shuffled[other].unique().tolist()
        for k, (name, line) in enumerate(lines.items()):
            rows = table[(table[by] == panel.get_title()) & (table[other] == name)]
            np.testing.assert_array_equal(line.get_xdata(), [0, 1, 2])
            np.testing.assert_array_equal(line.get_ydata(), rows["weight"])
            assert line.get_color() == COLOURS[k]
            assert line.get_linestyle() == "-"
        (equal,) = [line for line in panel.lines if line.get_label() == "equal weights"]
        assert set(equal.get_ydata()) == {0.5}
        assert equal.get_linestyle() == "--"
        assert not panel.collections
        assert panel.get_xlabel() == "epoch"
        ticks = panel.get_xticks()
        np.testing.assert_array_equal(ticks, ticks.round())
    assert [panel.get_ylabel() for panel in axes[0]] == ["weight", ""]
    (legend,) = legends(axes[0, 0].figure)
    assert texts(legend) == [*shuffled[other].unique(), "equal weights"]


@pytest.mark.slow
def test_scales_are_shared_and_start_at_0():
    table = generated_weights(("a", "b", "c"), "ABCD")
    axes = plot_category_weights(
        {"one": table, "two": generated_weights(("a", "b", "c"), "ABCD", 6)}
    )
    assert len({panel.get_ylim() for panel in axes.flat}) == 1
    assert len({panel.get_xlim() for panel in axes.flat}) == 1
    low, high = axes[0, 0].get_ylim()
    assert low == 0
    highest = max(
        line.get_ydata().max() for panel in axes.flat for line in lines_of(panel).values()
    )
    assert highest < high < 1.06 * highest
    negative = table.assign(weight=table["weight"] - 0.5)
    assert plot_category_weights(negative)[0, 0].get_ylim()[0] < negative["weight"].min()


def test_a_line_is_the_mean_over_folds_in_a_band():
    table = generated_weights(folds=[0, 1, 2])
    table = table[(table["fold"] != 2) | (table["epoch"] < 2)]  # a fold that stopped early
    panel = plot_category_weights(table, ["Art"])[0, 0]
    for band, (name, line) in zip(panel.collections, lines_of(panel).items(), strict=True):
        rows = table[(table["category"] == "Art") & (table["backbone"] == name)]
        by_epoch = rows.groupby("epoch")["weight"]
        np.testing.assert_allclose(line.get_ydata(), by_epoch.mean(), rtol=1e-12)
        corners = band.get_paths()[0].vertices
        for epoch, (low, high) in enumerate(by_epoch.agg(["min", "max"]).to_numpy()):
            ends = corners[corners[:, 0] == epoch, 1]
            np.testing.assert_allclose([ends.min(), ends.max()], [low, high], rtol=1e-12)
        assert to_hex(band.get_facecolor()[0]) == line.get_color()
    (legend,) = legends(panel.figure)
    assert texts(legend) == ["A", "B", "equal weights", "lowest to highest fold"]


@pytest.mark.parametrize("fold", [0, None, np.nan])
def test_one_fold_has_no_band(fold):
    panel = plot_category_weights(generated_weights().assign(fold=fold))[0, 0]
    assert not panel.collections
    assert "lowest to highest fold" not in texts(legends(panel.figure)[0])


def test_runs_are_rows():
    """A run with other backbones has its own line of equal weights; empty panels say so."""
    runs = {
        "second": generated_weights(("Art",), "ABC", 2),
        "third": generated_weights(("Social", "Art"), "BD", 5),
    }
    axes = plot_category_weights(runs)
    assert axes.shape == (2, 2)
    assert [panel.get_title() for panel in axes[0]] == ["Art", "Social"]
    assert not any(panel.get_title() for panel in axes[1])
    assert [row[0].get_ylabel() for row in axes] == ["second\nweight", "third\nweight"]
    assert [panel.get_xlabel() for panel in axes[:, 0]] == ["", "epoch"]
    equal = [panel.lines[-1].get_ydata()[0] for panel in axes[:, 0]]
    assert equal == [1 / 3, 1 / 2]
    assert [text.get_text() for text in axes[0, 1].texts] == ["not in this run"]
    assert not lines_of(axes[0, 1])
    assert lines_of(axes[1, 0])["B"].get_color() == lines_of(axes[0, 0])["B"].get_color()
    assert texts(legends(axes[0, 0].figure)[0]) == ["A", "B", "C", "D", "equal weights"]
    assert plot_category_weights({"one": runs["third"]})[0, 0].get_ylabel() == "one\nweight"


def test_equal_weights_are_of_all_backbones_of_the_run():
    table = pd.concat([generated_weights(("Art",), "AB"), generated_weights(("Social",), "CD")])
    panel = plot_category_weights(table, ["Art"])[0, 0]
    assert panel.lines[-1].get_ydata()[0] == 1 / 4
    assert list(lines_of(panel)) == ["A", "B"]


def test_chosen_categories_keep_their_order():
    axes = plot_category_weights(generated_weights(("a", "b", "c")), ["c", "a", "c"])
    assert [panel.get_title() for panel in axes[0]] == ["c", "a"]
    panel = plot_category_weights(generated_weights(("a", "b", "c")), ["c", "a"], by="backbone")[
        0, 0
    ]
    assert list(lines_of(panel)) == ["c", "a"]


def test_twenty_categories_can_be_distinguished():
    panel = plot_category_weights(
        generated_weights([f"category {k}" for k in range(20)]), by="backbone"
    )[0, 0]
    lines = lines_of(panel).values()
    assert len({(line.get_color(), str(line._dash_pattern)) for line in lines}) == 20
    figure = panel.figure
    figure.canvas.draw()
    (legend,) = legends(figure)
    box = legend.get_window_extent()
    assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
    assert box.y1 <= figure.bbox.y1
    for panel in figure.axes:
        assert not panel.get_tightbbox().overlaps(box)


def test_many_panels_wrap():
    runs = {name: generated_weights([f"{k}" for k in range(7)]) for name in ("one", "two")}
    axes = plot_category_weights(runs)
    assert axes.shape == (2, 7)
    axes[0, 0].figure.canvas.draw()
    places = [[panel.get_subplotspec() for panel in row] for row in axes]
    rows = [[place.rowspan.start for place in row] for row in places]
    assert rows == [[0] * 4 + [2] * 3, [1] * 4 + [3] * 3]  # both runs, then the other panels
    labelled = [k for k, panel in enumerate(axes[1]) if panel.get_xlabel()]
    assert labelled == [3, 4, 5, 6]
    assert [k for k, panel in enumerate(axes[0]) if panel.get_ylabel()] == [0, 4]


def test_given_axes_and_keywords():
    _, given = plt.subplots(1, 2, squeeze=False, layout="constrained")
    table = generated_weights(folds=[0, 1])
    assert plot_category_weights(table, axes=given, lw=3, color="red") is given
    assert {line.get_linewidth() for line in lines_of(given[0, 0]).values()} == {3}
    assert to_hex(given[0, 0].collections[0].get_facecolor()[0]) == "#ff0000"
    (legend,) = legends(given[0, 0].figure)
    given[0, 0].figure.canvas.draw()
    box = legend.get_window_extent()
    assert box.x0 > given[0, 1].bbox.x1
    assert box.x1 <= given[0, 0].figure.bbox.x1


def test_one_epoch_is_visible():
    panel = plot_category_weights(generated_weights(epochs=1))[0, 0]
    assert {line.get_marker() for line in lines_of(panel).values()} == {"o"}


def test_categorical_columns_and_names_that_are_numbers():
    table = generated_weights((3, 1)).astype({"category": "category", "backbone": "category"})
    axes = plot_category_weights(table, [3])
    assert axes.shape == (1, 1)
    assert axes[0, 0].get_title() == "3"
    panel = plot_category_weights(table, [1], by="backbone")[0, 0]
    assert list(lines_of(panel)) == ["1"]


GOOD = generated_weights()
_BROKEN = GOOD["weight"].where(GOOD.index != 4)


@pytest.mark.parametrize(
    ("history", "options", "text"),
    [
        (GOOD.drop(columns="epoch"), {}, "history has no column 'epoch'; its columns are 'categ"),
        ({"x": GOOD[["epoch"]]}, {}, "history of 'x' has no column 'category', 'backbone', 'wei"),
        (GOOD[:0], {}, "history must have at least one row"),
        ({"x": GOOD, "y": GOOD[:0]}, {}, "history of 'y' must have at least one row"),
        ({}, {}, "history must hold at least one run"),
        (
            [GOOD],
            {},
            "history must be a DataFrame, or a dict of DataFrames by name of run; got list",
        ),
        ({"x": 3}, {}, "history of 'x' must be a DataFrame; got int"),
        (GOOD.assign(weight=_BROKEN), {}, "history: weight must be finite; got nan in row 4"),
        (GOOD.assign(weight=_BROKEN.fillna(np.inf)), {}, "weight must be finite; got inf in row 4"),
        (GOOD.assign(weight="x"), {}, "weight must be finite; got x in row 0"),
        (GOOD.assign(epoch=0.5), {}, "epoch must be a whole number >= 0; got 0.5 in row 0"),
        (GOOD.assign(epoch=-1), {}, "epoch must be a whole number >= 0; got -1 in row 0"),
        (GOOD.assign(category=None), {}, "category is missing in row 0"),
        (GOOD.assign(fold=[None, *[1] * 11]), {}, "fold is missing in row 0"),
        (pd.concat([GOOD, GOOD]), {}, "two weights of 'A' for 'Art' in epoch 0; several trainings"),
        (GOOD, {"categories": ["Noisy"]}, "category must be one of 'Art', 'Social'; got 'Noisy'"),
        (GOOD, {"categories": "Art"}, "categories must be a list; got 'Art'"),
        (GOOD, {"categories": []}, "categories must name at least one"),
        (GOOD, {"by": "fold"}, "by must be one of 'category', 'backbone'; got 'fold'"),
        (
            GOOD,
            {"axes": np.empty(2, object)},
            r"axes must have shape \(1, 2\), \(n_runs, n_panels\)",
        ),
        (
            generated_weights([f"{k}" for k in range(31)]),
            {"by": "backbone"},
            "at most 30 lines per panel can be distinguished; got 31; choose some with categories",
        ),
        (
            generated_weights(backbones="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"),
            {},
            "distinguished; got 32$",
        ),
    ],
)
def test_errors(history, options, text):
    with pytest.raises(InputError, match=text):
        plot_category_weights(history, **options)
    assert not plt.get_fignums()


def test_dollars_do_not_start_formulas():
    table = generated_weights(categories=("a$^$",), backbones=("S$h$", "low & high $x"))
    axes = plot_category_weights(table)
    axes[0, 0].figure.canvas.draw()  # would fail on an invalid formula
    assert axes[0, 0].get_title() == r"a\$^\$"

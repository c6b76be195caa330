"""Names in figures: none leaves its figure, none covers another text, all stay different."""

import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from salmetrics.plotting import plot_groups, plot_scores
from salmetrics.plotting.labels import (
    label_axis,
    label_columns,
    label_rows,
    legend_above,
    legend_inside,
    legend_size,
    rows_height,
    title,
)
from tests.plotting import extents, named

CASES = [
    ("short", 30),
    ("long", 1),
    ("long", 3),
    ("long", 30),
    ("Cyrillic", 3),
    ("CJK", 3),
]


def checked(figure):
    assert extents.faults(figure) == []
    return figure


def drawn(name, kind, n, figure=None):
    if kind != "CJK":
        return named.drawn(name, kind, n, figure)
    with pytest.warns(UserWarning, match="lacks 16 characters") as caught:  # once
        found = named.drawn(name, kind, n, figure)
    assert len(caught) == 1
    return found


@pytest.mark.parametrize("name", named.ON_AXES)
@pytest.mark.parametrize(("kind", "n"), CASES)
def test_names_of_any_kind(name, kind, n):
    checked(drawn(name, kind, n))


@pytest.mark.parametrize(
    ("name", "kind", "n"),
    [
        *((name, "long", 1) for name in named.NEW),
        *(pytest.param(name, "CJK", 3, marks=pytest.mark.slow) for name in named.NEW),
        *(pytest.param(name, "long", 3, marks=pytest.mark.slow) for name in named.NEW),
        pytest.param("weights by backbone", "long", 30, marks=pytest.mark.slow),
        pytest.param("calibrations", "long", 30, marks=pytest.mark.slow),
    ],
)
def test_names_in_figures_of_several_axes(name, kind, n):
    checked(drawn(name, kind, n))


@pytest.mark.parametrize("name", named.ON_AXES)
def test_margins_grow_with_names(name):
    """Also in a figure without a layout, as plt.subplots() makes it."""
    checked(drawn(name, "long", 3, plt.figure()))


def test_margins_that_somebody_chose_stay():
    figure, axes = plt.subplots()
    label_rows(axes, ["short"])  # needs no other margins
    assert figure.get_layout_engine() is None
    figure.subplots_adjust(left=0.4)
    label_rows(axes, named.NAMES["long"][:3])
    assert figure.get_layout_engine() is None
    figure, axes = plt.subplots()
    label_rows(axes, named.NAMES["long"][:3])
    assert figure.get_layout_engine() is not None


def test_a_new_figure_has_the_height_of_its_rows():
    heights = [
        plot_scores(named.evaluated(*case).result, "IG").figure.get_figheight()
        for case in (("short", 3), ("short", 30), ("long", 3))
        if not plt.close("all")
    ]
    assert heights == [
        rows_height(["a"] * 4),
        rows_height(["a"] * 31),
        rows_height(["a" * 60] + ["a"] * 3),
    ]
    assert heights[0] < heights[2] < heights[1]


def test_full_names_are_kept():
    found = named.evaluated("long", 30)
    axes = plot_scores(found.result, "IG")
    ticks = axes.get_yticklabels()
    assert [text.get_label() for text in ticks] == [*found.names, "gold-standard"]
    assert len({text.get_text() for text in ticks}) == 31
    figure, axes = plt.subplots()
    plot_groups(found.result, "category", "IG", ax=axes)
    assert axes.get_legend_handles_labels()[1] == [*found.names, "gold-standard"]
    assert len({text.get_text() for text in axes.get_legend().get_texts()}) == 31


def test_rows_share_two_lines_or_a_smaller_font():
    _, axes = plt.subplots()
    size, width = label_rows(axes, ["a", "bb"])
    assert size == mpl.rcParams["font.size"]
    assert width < 20
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "bb"]
    long = named.NAMES["long"][:11]
    size, width = label_rows(axes, long)
    assert 7 <= size < mpl.rcParams["font.size"]
    assert all("\n" in text.get_text() for text in axes.get_yticklabels())
    assert width <= 0.5 * axes.get_window_extent().width * 72 / axes.figure.dpi
    size, _ = label_rows(axes, named.NAMES["short"])
    assert size == axes.get_yticklabels()[0].get_fontsize() < 10


def test_columns_are_level_upright_or_left_out():
    _, axes = plt.subplots()
    for names, rotation, n in (
        (["indoor", "outdoor"], 0, 2),
        (["Line Drawing of", "Low Resolution"] * 4, 90, 8),
        ([str(k) for k in range(201)], 90, 67),  # every third one: 201 are illegible
    ):
        label_columns(axes, names)
        labels = axes.get_xticklabels()
        assert {text.get_rotation() for text in labels} == {rotation}
        assert [text.get_text() for text in labels] == names[:: len(names) // n]
        axes.set_xlim(-1, len(names))
        checked(axes.figure)


def test_labels_of_axes_wrap():
    figure, axes = plt.subplots(layout="constrained")
    long = " ".join(["gain"] * 40)
    label_axis(axes, "x", long)
    label_axis(axes, "y", long, more="share")
    assert axes.get_xlabel().count("\n") == 2
    assert axes.get_ylabel().endswith("\nshare")
    assert (axes.xaxis.label.get_label(), axes.yaxis.label.get_label()) == (long, f"{long}\nshare")
    title(axes, long, "0.5")
    assert axes.get_title().endswith("\n0.5")
    assert axes.title.get_label() == f"{long}\n0.5"
    title(axes, "$5 for all")
    assert axes.get_title() == r"\$5 for all"
    checked(figure)


def test_legends():
    for names, inside in ((["a", "b"], True), (["a" * 80, "b"], False), (list("abcdefghi"), False)):
        _, axes = plt.subplots()
        for name in names:
            axes.plot([0, 1], label=f"{name}, 0.12")
        legend_inside(axes, {f"{name}, 0.12": ", 0.12" for name in names})
        legend = axes.get_legend()
        assert all(text.get_text().endswith(", 0.12") for text in legend.get_texts())
        checked(axes.figure)
        assert (legend.get_window_extent().y1 < axes.bbox.y1 + 1) == inside
    legend_above(axes, columns=2)
    assert axes.get_legend()._ncols == 2
    names, n_columns = legend_size(axes.figure, ["a"] * 4)
    assert (names, n_columns) == (["a"] * 4, 4)
    (short, _), n_columns = legend_size(axes.figure, ["a" * 300, "b"])
    assert "…" in short
    assert n_columns == 1


def test_faults_are_found():
    """The check of these tests finds texts over each other and outside."""
    figure, axes = plt.subplots()
    axes.text(0.5, 0.5, "one")
    axes.text(0.5, 0.5, "two")
    axes.set_title("x" * 200)
    overlap, *outside = sorted(extents.faults(figure), key=len)
    assert "'one' overlaps 'two'" in overlap
    assert len(outside) == 1
    assert "leaves the figure" in outside[0]


def test_a_font_that_has_the_characters_is_used():
    """Nothing is replaced, and nothing warned of, where the font has all characters."""
    with warnings.catch_warnings(), mpl.rc_context({"font.family": ["DejaVu Sans Mono"]}):
        warnings.simplefilter("error")
        figure, axes = plt.subplots()
        title(axes, "Модель ☺")
        assert axes.get_title() == "Модель ☺"
        figure.draw_without_rendering()

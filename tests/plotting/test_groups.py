"""Groups of images, and instances of models."""

import numpy as np
import pytest

from salmetrics import InputError
from salmetrics.plotting import plot_groups, plot_instances, plot_scores


def test_groups(ax, scored):
    assert plot_groups(scored, "category", "IG", models=["truth", "wide"], ax=ax) is ax
    rows = scored.by("category").xs("IG", level="metric")
    bars = [c for c in ax.containers if hasattr(c, "patches")]
    assert [c.get_label() for c in bars] == ["truth", "wide"]
    for container, name in zip(bars, ["truth", "wide"], strict=True):
        scores = rows.xs(name, level="model")
        assert [p.get_height() for p in container.patches] == scores["value"].tolist()
        (lines,) = container.errorbar.lines[2]
        ends = [segment[:, 1] for segment in lines.get_segments()]
        expected = scores[["low", "high"]].to_numpy(float)
        np.testing.assert_allclose(ends, expected, rtol=1e-12, atol=1e-12)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["indoor", "outdoor"]
    assert ax.get_ylabel() == "IG (bit/fixation), higher is better"
    assert ax.get_xlabel() == "category"
    lefts = sorted(p.get_x() for c in bars for p in c.patches)
    widths = {round(p.get_width(), 9) for c in bars for p in c.patches}
    assert (np.diff(lefts) >= min(widths) - 1e-9).all()  # bars do not cover each other


def test_groups_of_all_models_and_subjects(ax, scored):
    plot_groups(scored, "subject", "LL", ax=ax, color="red")
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["truth", "wide", "narrow", "flat", "gold-standard"]
    assert ax.patches[0].get_facecolor() == (1, 0, 0, 1)
    ax.clear()
    plot_groups(scored, "category", "KLDiv", ax=ax)  # the gold standard has none
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["truth", "wide", "narrow", "flat"]


def test_long_names_of_groups_stand_upright(ax, scored, generated):
    from salmetrics import Stimuli, Uniform, evaluate

    names = [f"a rather long category {k}" for k in range(6)]
    stimuli = Stimuli.from_sizes([(40, 50)] * 6, attributes={"kind": names})
    result = evaluate(
        Uniform(), stimuli, generated.dataset.fixations, metrics=["LL"], n_bootstrap=0
    )
    plot_groups(result, "kind", "LL", ax=ax)
    assert {text.get_rotation() for text in ax.get_xticklabels()} == {90}


def test_instances(ax, scored):
    groups = {"centre": ["wide", "narrow", "flat"], "truth": ["truth"]}
    assert plot_instances(scored, groups, references=["gold-standard"], ax=ax) is ax
    violin, median = ax.collections
    assert violin.get_paths()[0].get_extents().x0 > -0.5
    values = [scored.value(name, "IGE") for name in groups["centre"]]
    (segment,) = median.get_segments()
    assert set(segment[:, 1]) == {np.median(values)}
    points = [line for line in ax.lines if line.get_marker() == "o"]
    assert [list(line.get_ydata()) for line in points] == [values, [scored.value("truth", "IGE")]]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["centre", "truth"]
    (text,) = ax.get_legend().get_texts()
    assert text.get_text() == "gold-standard 1.000"
    (line,) = [line for line in ax.lines if line.get_label().startswith("gold")]
    assert set(line.get_ydata()) == {1.0}


def test_two_instances_have_no_violin(ax, scored):
    plot_instances(scored, {"centre": ["wide", "narrow"]}, ax=ax)
    assert not ax.collections


def test_bars_of_explained_gain(ax, scored):
    plot_scores(scored, "IGE", ax=ax)
    assert ax.get_xlabel() == "IGE, higher is better"
    assert ax.patches[0].get_width() == scored.value("truth", "IGE")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda r: plot_groups(r, "size", "IG"), "attribute must be one of 'category', 'subject'"),
        (lambda r: plot_groups(r, "category", "AUC"), "metric must be one of"),
        (lambda r: plot_groups(r, "category", "IG", models=["nobody"]), "model must be one of"),
        (
            lambda r: plot_groups(r, "category", "KLDiv", models=["gold-standard"]),
            "no model has KLDiv; `reasons` of the evaluation say why",
        ),
        (lambda r: plot_instances(r, {}), "groups must hold at least one group, .*; got {}"),
        (
            lambda r: plot_instances(r, {"a": []}),
            "each group at least one model; got {'a': \\[\\]}",
        ),
        (lambda r: plot_instances(r, {"a": ["nobody"]}), "model must be one of"),
        (
            lambda r: plot_instances(r, {"a": ["truth", "gold-standard"]}, "KLDiv"),
            "not all models of group 'a' have a finite KLDiv; leave out",
        ),
    ],
)
def test_errors(scored, call, text):
    with pytest.raises(InputError, match=text):
        call(scored)

"""Tables for reading, and their footnotes."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scored_models import Pixels

from salmetrics.protocols import DEFAULT, get_protocol
from salmetrics.results.rendering import (
    as_html,
    as_latex,
    as_markdown,
    as_text,
    comparison_text,
    counted,
    explained,
    footnotes,
    with_parameters,
)
from salmetrics.results.scores import Scores
from salmetrics.statistics.cells import Cells
from tests.results.evaluated_pictures import make


def test_tables_to_read(result):
    value, low, high = result.summary.loc[("pixels", "NSS"), ["value", "low", "high"]]
    half = (high - low) / 2
    assert f"{value:.3f} ±{half:.3f}" in repr(result)
    lines = result.to_markdown().splitlines()
    assert lines[0] == "| model | LL | AUC | NSS | CC |"
    assert lines[2].startswith("| pixels | - | ")
    assert f"{value:.4f} ±{half:.4f}" in lines[2]
    latex = result.to_latex()
    assert rf"${value:.4f} \pm {half:.4f}$" in latex
    assert r"\begin{tabular}{lrrrr}" in latex
    assert "% protocol default 1" in latex
    escaped = make({"a_b & c": Pixels()}, metrics=["NSS"])
    assert r"a\_b \& c & $" in escaped.to_latex()
    page = make({"<a>": Pixels()}, metrics=["NSS"])._repr_html_()
    assert "&lt;a&gt;" in page
    assert page.startswith("<table>")


def test_special_characters_in_tables():
    result = make({"a|b": Pixels(), "c^d~e\\f": Pixels()}, metrics=["NSS"])
    assert r"| a\|b |" in result.to_markdown()
    assert r"c\textasciicircum{}d\textasciitilde{}e\textbackslash{}f & $" in result.to_latex()


# ---- footnotes

RECORD = {
    "baseline": {"name": "bias", "parameters": {"bandwidth": 0.0123456, "fitted": True, "n": 3}},
    "gold_standard": {"name": "gold", "parameters": {}},
    "n_bootstrap": 100,
}
SCORES = Scores(Cells(np.zeros(1, np.int64), np.zeros(1, np.int64)))


def lines_of(keys, *, record=RECORD, protocol=DEFAULT, scores=SCORES, intervals=True):
    shown = {("m", key) for key in keys}
    text = footnotes(record, protocol, scores, shown=shown, intervals=intervals)
    return text.splitlines()


def test_a_table_names_its_protocol_and_what_was_overridden():
    assert lines_of(["NSS"], intervals=False) == ["protocol default 1"]
    protocol = get_protocol("mit-matlab").override(sigma=3.0, average="subject")
    expected = "protocol mit-matlab 1 with average subject; sigma 3.0"
    assert lines_of(["NSS"], protocol=protocol, intervals=False) == [expected]


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        (["NSS"], False),
        (["IG", "NSS"], True),
        (["IG-MATLAB"], True),
        (["IGE"], False),  # the line of the gold standard says what it is a share of
    ],
)
def test_a_baseline_is_named_where_it_matters(keys, named):
    line = "IG over bias (bandwidth 0.01235)"
    assert (line in lines_of(keys)) == named
    assert line not in lines_of(keys, record=RECORD | {"baseline": None})


def test_a_gold_standard_is_named_where_it_has_a_share():
    assert "IGE: share of the IG of gold" in lines_of(["IG", "IGE"])
    assert not any("share" in line for line in lines_of(["IG"]))


def test_intervals_are_explained_where_there_are_any():
    line = "±: half of the 95 % bootstrap interval over images"
    assert line in lines_of(["NSS"])
    assert line not in lines_of(["NSS"], intervals=False)
    assert line not in lines_of(["NSS"], record=RECORD | {"n_bootstrap": 0})


def test_reasons_failures_and_joined_results():
    scores = dataclasses.replace(
        SCORES,
        reasons={("m", "CC"): "why", ("m", "SIM"): "not in the table"},
        failures={("m", 0): "no", ("m", 1): "no"},
    )
    record = RECORD | {"joined": ["b: baseline.name: 'x' and 'y'"]}
    assert lines_of(["CC"], record=record, scores=scores)[2:] == [
        "- CC of m: why",
        "- joined, differs for b: baseline.name: 'x' and 'y'",
        "- 2 predictions failed and are left out: see the errors of the result",
    ]


def test_models_with_the_same_gaps_share_a_line():
    reasons = {
        ("a", "LL"): "no density",
        ("b", "CC"): "no map",
        ("a", "IG"): "no density",
        ("c", "LL"): "no density",
        ("c", "IG"): "no density",
        ("d", "LL"): "no density",
    }
    assert explained(reasons) == [
        "LL, IG of a, c: no density",
        "CC of b: no map",
        "LL of d: no density",
    ]


def test_names_with_numeric_parameters():
    assert with_parameters(RECORD["gold_standard"]) == "gold"
    record = {"name": "x", "parameters": {"a": 1234567.0, "b": "text", "c": 2, "d": 0.5}}
    assert with_parameters(record) == "x (a 1.235e+06, d 0.5)"


# ---- tables


def summary_of(rows):
    index = pd.MultiIndex.from_tuples([row[:2] for row in rows], names=["model", "metric"])
    return pd.DataFrame([row[2:] for row in rows], index, columns=["value", "low", "high"])


SUMMARY = summary_of(
    [
        ("one_two", "IG", 1.25, 1.0, 1.5),
        ("one_two", "CC", np.nan, np.nan, np.nan),
        ("*b*", "IG", -np.inf, np.nan, np.nan),
        ("*b*", "CC", 0.125, np.nan, np.nan),
    ]
)


def test_counts():
    assert [counted(n, "image") for n in range(3)] == ["0 images", "1 image", "2 images"]


def test_text():
    lines = as_text(SUMMARY, "notes").splitlines()
    assert [line.split() for line in lines] == [
        ["IG", "CC"],
        ["one_two", "1.250", "±0.250", "-"],
        ["*b*", "-inf", "0.125"],
        ["notes"],
    ]


def test_markdown():
    text = as_markdown(SUMMARY, "first\nsecond\n- third", {"one_two": "a"})
    assert text == (
        "| model | group | IG | CC |\n"
        "| --- | ---: | ---: | ---: |\n"
        "| one_two | a | 1.2500 ±0.2500 | - |\n"
        r"| \*b\* |  | -inf | 0.1250 |"
        "\n\nfirst\\\nsecond\n- third\n"
    )


def test_latex():
    lines = as_latex(SUMMARY, "50 % of\nall").splitlines()
    assert lines[0] == r"\begin{tabular}{lrr}"
    assert r"one\_two & $1.2500 \pm 0.2500$ & - \\" in lines
    assert r"*b* & $-\infty$ & $0.1250$ \\" in lines
    assert lines[-2:] == ["% 50 % of", "% all"]


def test_html():
    page = as_html(SUMMARY, "a < b\nc")
    assert "<tr><th></th><th>IG</th><th>CC</th></tr>" in page
    assert "<tr><th>one_two</th><td>1.2500 ±0.2500</td><td>-</td></tr>" in page
    assert page.endswith("<p>a &lt; b<br>c</p>")


def test_comparisons_as_text():
    """One block per metric; the better model is named where the adjusted p-value is low."""
    rows = [
        ("NSS", "a", "b", 0.25, 0.1, 0.4, 0.0001, 0.0002, 12),
        ("NSS", "a", "long name", -0.5, -0.9, 0.1, 0.04, 0.08, 12),
        ("KLDiv", "a", "b", 0.25, 0.1, 0.4, 0.01, 0.02, 12),
        ("KLDiv", "a", "long name", np.nan, np.nan, np.nan, np.nan, np.nan, 0),
        ("LL", "a", "b", np.nan, np.nan, np.nan, np.nan, np.nan, 0),
        ("LL", "a", "long name", np.nan, np.nan, np.nan, np.nan, np.nan, 0),
        ("SIM", "a", "b", 0.0, np.nan, np.nan, np.nan, np.nan, 1),
    ]
    names = ["metric", "first", "second", "difference", "low", "high", "p_value", "p_holm"]
    table = pd.DataFrame(rows, columns=[*names, "n_images"]).set_index(names[:3])
    assert comparison_text(table).splitlines() == [
        "NSS (higher is better)",
        "pair           difference       95 % interval       p  p (Holm)  better  images",
        "a - b             +0.2500  [+0.1000, +0.4000]  < .001    < .001  a           12",
        "a - long name     -0.5000  [-0.9000, +0.1000]   0.040     0.080  -           12",
        "",
        "KLDiv (lower is better)",
        "pair   difference       95 % interval      p  p (Holm)  better  images",
        "a - b     +0.2500  [+0.1000, +0.4000]  0.010     0.020  b           12",
        "",
        "SIM (higher is better)",
        "pair   difference  95 % interval  p  p (Holm)  better  images",
        "a - b     +0.0000              -  -         -  -            1",
        "",
        "better: the model that wins with p (Holm) below 0.05; -: neither does",
        "pairs of which a model lacks the metric are left out: KLDiv (1), LL (2)",
    ]

"""Tables for reading, and their footnotes."""

from scored_models import Pixels

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

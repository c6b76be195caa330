"""Texts that fit."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from salmetrics.plotting.fitted_text import (
    drawable,
    fitted,
    fitted_all,
    points_of,
    text_width,
    wrapped,
)


@pytest.mark.parametrize(
    "text", ["IG (bit/fixation)", "iiiiii", "WWWWW", "Модель", "a b…c", "AVAV"]
)
@pytest.mark.parametrize("size", [6, 10, "small"])
def test_widths_are_those_drawn(ax, text, size):
    drawn = ax.text(0, 0, text, fontsize=size).get_window_extent().width * 72 / ax.figure.dpi
    width = text_width(text, size)
    # too high rather than too low: sides of letters, kerning (AV), and pixels
    assert drawn - 0.5 <= width <= 1.15 * drawn + 3


def test_width_is_that_of_the_widest_line():
    assert text_width("a\nbbb\n") == text_width("bbb")
    assert text_width("") == 0
    assert text_width("abc", 20) == pytest.approx(2 * text_width("abc", 10), rel=1e-12)
    assert points_of("medium") == points_of() == mpl.rcParams["font.size"]


def test_what_fits_stays(ax):
    assert fitted(ax, "deepgaze2e", 200) == "deepgaze2e"
    assert fitted(ax, 3, 200) == "3"
    assert fitted(ax, "$x$", 200) == r"\$x\$"
    assert fitted(ax, "a\tb\nc", 200) == "a b c"


def test_the_middle_is_left_out(ax):
    name = "/data/predictions/deepgaze2e-acw/run-3/log_densities.h5"
    for width in (40, 80, 130):
        for lines in (1, 2):
            text = fitted(ax, name, width, lines=lines)
            assert text_width(text) <= width
            assert text.count("\n") < lines
            head, tail = text.replace("\n", "").split("…")
            assert name.startswith(head)
            assert name.endswith(tail)
            assert len(tail) >= len(head)
    longer = [len(fitted(ax, name, width)) for width in range(30, 350, 10)]
    assert longer == sorted(longer)
    assert longer[-1] == len(name)


def test_lines_end_after_signs():
    assert wrapped("one/two three", text_width("one/two"), 2, None) == "one/two\nthree"
    assert wrapped("one/two three", text_width("one/tw"), 3, None) == "one/\ntwo\nthree"
    assert wrapped("one/two three", text_width("one/tw"), 2, None) is None
    assert wrapped("aaaaaa", text_width("aaa"), 2, None) == "aaa\naaa"
    assert wrapped("a", 0, 3, None) is None
    together = wrapped("a-b + c-d", text_width("a-b + c-"), 2, None)
    assert together == "a-b +\nc-d"  # a model in one line, where it fits


def test_different_names_stay_different(ax):
    long = "/data/predictions/of/many/models"
    ends = [f"{long}/{k}/log_densities.h5" for k in range(12)]
    for width in (200, 100, 50):
        short = fitted_all(ax, ends, width)
        assert len({*short}) == 12
        assert all(text_width(text) <= width for text in short)
    assert all(f"/{k}/" in text for k, text in enumerate(fitted_all(ax, ends, 80)))
    assert fitted_all(ax, [ends[0], ends[0]], 60)[0] == fitted_all(ax, [ends[0]] * 2, 60)[1]
    assert fitted_all(ax, [], 60) == []


def test_all_models_of_a_mixture_are_visible(ax):
    parts = [f"/data/predictions/model-{k}/densities.h5" for k in range(4)]
    names = [" + ".join(parts[:3]), " + ".join(parts[1:]), "a + b"]
    *long, short = fitted_all(ax, names, 200, lines=2)
    assert short == "a + b"
    for text, numbers in zip(long, ("012", "123"), strict=True):
        assert text.count("+") == 2
        assert [part[part.index("del-") + 4] for part in text.split("+")] == [*numbers]
    assert len({*fitted_all(ax, names, 40)}) == 3  # too narrow for all models


def test_characters_that_the_font_lacks(ax):
    with pytest.warns(UserWarning, match="lacks 2 characters of names, such as '模型'"):
        shown = fitted_all(ax, ["模型a", "型b", "b"], 100)
    assert shown == ["□□a", "□b", "b"]
    assert drawable(ax.figure, ["模"]) == ["□"]  # one warning per figure
    with pytest.warns(UserWarning, match="lacks 2 characters"):
        first, second = fitted_all(plt.figure(), ["模", "型"], 100)
    assert (first, second) == ("1: □", "2: □")

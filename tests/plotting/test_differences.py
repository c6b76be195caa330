"""Differences from image to image, and mixtures."""

import numpy as np
import pandas as pd
import pytest

from salmetrics import InputError
from salmetrics.plotting import plot_image_differences, plot_mixture_sweep
from salmetrics.results.image_selection import image_differences
from salmetrics.results.mixtures import mixture_sweep


def test_image_differences(ax, scored):
    differences = image_differences(scored, "wide", "flat")
    assert plot_image_differences(differences, ax=ax) is ax
    assert [patch.get_height() for patch in ax.patches] == differences.tolist()
    colours = {patch.get_facecolor() for patch in ax.patches if patch.get_height() < 0}
    assert not colours & {p.get_facecolor() for p in ax.patches if p.get_height() > 0}
    (text,) = ax.texts
    expected = f"mean {differences.mean():+.3f}, standard deviation {differences.std():.3f}"
    assert text.get_text() == expected
    assert (text.xy, text.xycoords) == ((1, 1), "axes fraction")  # above all bars and lines
    assert ax.get_ylabel() == "IG of wide less that of flat"
    n = int((differences > 0).sum())
    assert ax.get_xlabel() == f"images, sorted (first better on {n} of 6)"


def test_any_order_and_one_image(ax):
    plot_image_differences(pd.Series([1.0, 3.0, -2.0]), ax=ax, color="red")
    assert [patch.get_height() for patch in ax.patches] == [3, 1, -2]
    assert ax.patches[0].get_facecolor() == (1, 0, 0, 1)
    ax.clear()
    plot_image_differences(pd.Series([1.0]), ax=ax)
    assert ax.texts[0].get_text() == "mean +1.000"
    with pytest.raises(
        InputError, match="differences must be finite; 1 of 2 are not: leave them out"
    ):
        plot_image_differences(pd.Series([1.0, np.inf]), ax=ax)
    with pytest.raises(InputError, match="differences must hold at least one value"):
        plot_image_differences(pd.Series([], dtype=float), ax=ax)


def test_mixture_sweep(ax, scored):
    sweep = mixture_sweep(scored, "wide", "truth", weights=np.linspace(0, 1, 6))
    assert plot_mixture_sweep(sweep, ax=ax, color="red") is ax
    curve, best = ax.lines
    np.testing.assert_array_equal(curve.get_xydata(), np.c_[sweep.index, sweep["value"]])
    assert curve.get_color() == "red"
    assert set(best.get_xdata()) == {sweep["value"].idxmax()}
    (band,) = ax.collections
    vertices = band.get_paths()[0].vertices
    assert vertices[:, 1].min() == sweep["low"].min()
    assert vertices[:, 1].max() == sweep["high"].max()
    assert (
        ax.texts[0].get_text() == f"best at {best.get_xdata()[0]:.3g}: {sweep['value'].max():.3f}"
    )
    assert ax.get_xlabel() == "weight of truth, beside wide"
    assert ax.get_ylabel() == "IG (bit/fixation), higher is better"


def test_a_sweep_without_intervals(ax, scored):
    sweep = mixture_sweep(scored, "wide", "truth").assign(low=np.nan, high=np.nan)
    plot_mixture_sweep(sweep, ax=ax)
    assert not ax.collections

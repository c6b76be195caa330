"""Calibration histograms."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import salmetrics
from salmetrics import InputError
from salmetrics.plotting import plot_calibration, plot_calibrations


@pytest.fixture(scope="module")
def results(generated):
    data = generated.dataset
    options = {"n_bins": 4, "n_bootstrap": 50}
    wide, narrow = salmetrics.GaussianCentreBias(0.4), salmetrics.GaussianCentreBias(0.1)
    return {
        "first": {"wide": salmetrics.calibration(wide, *data[:3], **options)},
        "second": {
            "wide": salmetrics.calibration(wide, *data[3:], **options),
            "narrow": salmetrics.calibration(narrow, *data[3:], **options),
        },
    }


def test_one_calibration(ax, results):
    expected = results["second"]["narrow"]
    assert plot_calibration(expected, ax=ax, color="red") is ax
    heights = [patch.get_height() for patch in ax.patches]
    np.testing.assert_allclose(heights, expected.shares, rtol=1e-12)
    assert [patch.get_x() + patch.get_width() / 2 for patch in ax.patches] == pytest.approx(
        [0.125, 0.375, 0.625, 0.875], abs=1e-12
    )
    assert ax.patches[0].get_facecolor() == (1, 0, 0, 1)
    (bars,) = [c for c in ax.containers if not hasattr(c, "patches")]
    ends = [segment[:, 1] for segment in bars.lines[2][0].get_segments()]
    np.testing.assert_allclose(ends, expected.intervals(), rtol=1e-12, atol=1e-12)
    (level,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert set(level.get_ydata()) == {1 / 4}  # every bin, if calibrated
    assert ax.get_title().startswith(f"{expected.name}\nerror {expected.error:.3f}, confidence ")


def test_data_sets_are_rows_and_models_columns(results):
    axes = plot_calibrations(results)
    assert axes.shape == (2, 2)
    for row, dataset in zip(axes, results, strict=True):
        for panel, model in zip(row, ["wide", "narrow"], strict=True):
            if model not in results[dataset]:
                assert not panel.axison
                continue
            expected = results[dataset][model]
            heights = [patch.get_height() for patch in panel.patches]
            np.testing.assert_allclose(heights, expected.shares, rtol=1e-12)
            assert f"{expected.error:.3f}, {expected.confidence:+.3f}" in panel.get_title()
    assert axes[0, 0].get_title().startswith("wide\n")
    assert axes[1, 1].get_title().startswith("narrow\n")  # its place above is empty
    assert "wide" not in axes[1, 0].get_title()
    assert [row[0].get_ylabel().partition("\n")[0] for row in axes] == ["first", "second"]
    assert len({panel.get_ylim() for panel in axes.flat}) == 1


def test_given_axes(results):
    _, given = plt.subplots(2, 2)
    assert plot_calibrations(results, axes=given, color="red") is given
    assert given[0, 0].patches[0].get_facecolor() == (1, 0, 0, 1)
    with pytest.raises(InputError, match=r"axes must have shape \(2, 2\)"):
        plot_calibrations(results, axes=given[:1])
    with pytest.raises(InputError, match="at least one"):
        plot_calibrations({})

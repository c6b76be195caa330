"""Calibration histograms."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import salmetrics
from salmetrics import InputError
from salmetrics.plotting import plot_calibrations


@pytest.fixture(scope="module")
def found(generated):
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


def test_data_sets_are_rows_and_models_columns(found):
    axes = plot_calibrations(found)
    assert axes.shape == (2, 2)
    for row, dataset in zip(axes, found, strict=True):
        for one, model in zip(row, ["wide", "narrow"], strict=True):
            if model not in found[dataset]:
                assert not one.axison
                continue
            each = found[dataset][model]
            heights = [patch.get_height() for patch in one.patches]
            np.testing.assert_allclose(heights, each.shares)
            assert f"{each.error:.3f}, {each.confidence:+.3f}" in one.get_title()
    assert axes[0, 0].get_title().startswith("wide\n")
    assert axes[1, 1].get_title().startswith("narrow\n")  # above is no place for it
    assert "wide" not in axes[1, 0].get_title()
    assert [row[0].get_ylabel().partition("\n")[0] for row in axes] == ["first", "second"]
    assert len({one.get_ylim() for one in axes.flat}) == 1


def test_given_axes(found):
    _, given = plt.subplots(2, 2)
    assert plot_calibrations(found, axes=given, color="red") is given
    assert given[0, 0].patches[0].get_facecolor() == (1, 0, 0, 1)
    with pytest.raises(InputError, match=r"axes must have shape \(2, 2\)"):
        plot_calibrations(found, axes=given[:1])
    with pytest.raises(InputError, match="at least one"):
        plot_calibrations({})

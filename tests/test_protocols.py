import dataclasses

import numpy as np
import pytest
from scored_models import Pixels, pictures

import salmetrics
from salmetrics import InputError, Protocol, get_protocol
from salmetrics.densities.smoothing import Smoothing
from salmetrics.metrics import auc, cc, information, kldiv, nss, sim
from salmetrics.metrics.registry import METRICS
from salmetrics.protocols import CHOICES, PROTOCOLS


@pytest.mark.parametrize("name", PROTOCOLS)
def test_published(name):
    protocol = get_protocol(name)
    assert (protocol.name, protocol.version, protocol.overrides) == (name, 1, {})
    assert set(protocol.metrics) <= set(METRICS)
    assert get_protocol(protocol) is protocol
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocol.average = "image"


def test_overrides():
    changed = get_protocol("mit-matlab").override(average="fixation", sigma=3).override(sigma=None)
    assert changed.overrides == {"average": "fixation"}
    assert isinstance(changed, Protocol)
    assert changed != get_protocol("mit-matlab")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"colour": 1}, "protocol choice must be one of 'metrics', 'average'.*; got 'colour'"),
        ({"name": "mine"}, "protocol choice must be one of"),
        ({"average": "pixel"}, "average must be one of 'fixation', 'image', 'subject'"),
        ({"maps": "best"}, "maps must be one of 'optimal', 'density'"),
        ({"boundary": "wrap"}, "boundary must be one of"),
        ({"nonfixations": "shuffled"}, "nonfixations must be one of 'uniform', 'unfixated'"),
        ({"kldiv_method": "exact"}, "kldiv_method must be one of 'benchmark', 'matlab'"),
        ({"judd_jitter": True}, "judd_jitter must be one of 'expected', False"),
        ({"threshold_step": 0}, "threshold_step must be above 0 and at most 1; got 0"),
        ({"threshold_step": 1.1}, "threshold_step must be above 0"),
        ({"n_other": 0}, "n_other must be at least 1, or None for all; got 0"),
    ],
)
def test_errors(changes, text):
    with pytest.raises(InputError, match=text):
        get_protocol("default").override(**changes)


def test_unknown_protocol():
    with pytest.raises(
        InputError, match=r"protocol must be one of 'default', 'mit-matlab', .*; got 'x'"
    ):
        get_protocol("x")


def test_salicon_2017_is_matlab_with_other_choices():
    salicon, matlab = get_protocol("salicon-2017"), get_protocol("mit-matlab")
    changed = {
        name: getattr(salicon, name)
        for name in CHOICES
        if getattr(salicon, name) != getattr(matlab, name)
    }
    assert changed == {
        "metrics": (
            "NSS-MATLAB",
            "CC",
            "AUC-Borji",
            "sAUC-MATLAB",
            "KLDiv",
            "IG-MATLAB",
            "SIM-MATLAB",
        ),
        "sigma": 19.0,
        "cycles": None,
        "n_other": None,
    }


def test_salicon_2017_by_hand():
    """Thirteen images, more than the ten others that MATLAB's sampling takes."""
    stimuli, fixations = data = pictures(13)  # they say a sigma of 5 pixels
    result = salmetrics.evaluate(
        {"pixels": Pixels()}, *data, protocol="salicon-2017", n_bootstrap=0, progress=False
    )
    fitted = salmetrics.CentreBias.fit(*data, progress=False)
    expected = {key: [] for key in result.metrics}
    for i, stimulus in enumerate(stimuli):
        height, width = stimulus.size
        own = fixations.image == i
        x, y = fixations.x[own], fixations.y[own]
        pixels = np.unique(np.floor(y).astype(int) * width + np.floor(x).astype(int))
        truth = Smoothing(sigma=19.0).points((height, width), pixels)
        heights, widths = stimuli.sizes[fixations.image[~own]].T
        rows = np.floor(fixations.y[~own] * (height / heights)).astype(int)
        columns = np.floor(fixations.x[~own] * (width / widths)).astype(int)
        others = np.flatnonzero(np.arange(len(stimuli)) != i)
        prior = salmetrics.CentreBias(
            stimuli[others],
            fixations.select_images(others),
            bandwidth=fitted.bandwidth,
            floor=fitted.floor,
        )
        m = stimulus.image.astype(np.float64)
        expected["NSS-MATLAB"].append(nss.matlab(m, x, y))
        expected["CC"].append(cc.score(m, truth))
        expected["AUC-Borji"].append(auc.borji(m, x, y))
        expected["sAUC-MATLAB"].append(
            auc.shuffled(m, x, y, draws=np.unique(rows * width + columns))
        )
        expected["KLDiv"].append(kldiv.score(m, truth, method="matlab"))
        baseline = np.exp(prior.log_density(stimulus))
        expected["IG-MATLAB"].append(information.matlab(m, x, y, baseline))
        expected["SIM-MATLAB"].append(sim.score(m, truth, method="matlab"))
    for key, values in expected.items():
        # the baseline without an image is a difference of two sums
        rtol = 1e-7 if key == "IG-MATLAB" else 1e-9
        np.testing.assert_allclose(result.per_image["pixels", key], values, rtol=rtol, err_msg=key)
        assert result.value("pixels", key) == pytest.approx(np.mean(values), rel=rtol)

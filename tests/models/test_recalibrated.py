"""Recalibration: finds the power that was taken, honestly, and leaves what is right."""

import numpy as np
import pytest

import salmetrics
from salmetrics import Folds, InputError, calibration, recalibrate
from salmetrics.datasets import generate_dataset

MADE = generate_dataset(60, size=(40, 50), n_subjects=5, n_fixations=10)
STIMULI, FIXATIONS = MADE.dataset
UNIFORM = salmetrics.Uniform()


class Powered(salmetrics.DensityModel):
    """The truth raised to a power; nothing in a corner if asked for."""

    def __init__(self, power, corner=False):
        self.name = f"truth^{power}"
        self.power = power
        self.corner = corner

    def log_density(self, stimulus, *, subject=None):
        log = self.power * MADE.truth.log_density(stimulus)
        if self.corner:
            log[:8, :8] = -np.inf
        return log - np.log(np.exp(log).sum())


def gain(model):
    return salmetrics.information_gain(model, STIMULI, FIXATIONS, baseline=UNIFORM)


@pytest.mark.parametrize("power", [1.5, 0.67, 1.0])
@pytest.mark.parametrize("centre_bias", [False, True])
def test_repairs_what_a_power_did(power, centre_bias):
    """Within 0.01 bit of the truth, and calibrated again."""
    model = recalibrate(Powered(power), STIMULI, FIXATIONS, centre_bias=centre_bias)
    assert model.fitted[-1].power == pytest.approx(1 / power, abs=0.08)  # 3000 fixations
    assert abs(gain(model) - gain(MADE.truth)) < 0.01
    found = salmetrics.log_likelihood(model, STIMULI, FIXATIONS)
    assert model.log_likelihood == pytest.approx(found, abs=1e-6)  # log Z comes from splines
    before = calibration(Powered(power), STIMULI, FIXATIONS)
    after = calibration(model, STIMULI, FIXATIONS)
    if power != 1:
        assert abs(after.confidence) < 0.02 < abs(before.confidence)
    assert after.p_value > 0.01


def test_each_image_by_what_was_fitted_on_others():
    model = recalibrate(Powered(1.5), STIMULI, FIXATIONS, folds=4)
    assert sorted(model.fitted) == [-1, 0, 1, 2, 3]
    folds = Folds(model._fold_of)
    assert sorted(np.bincount(folds.of(STIMULI)).tolist()) == [15] * 4
    for name in ("0", "7", "31"):
        stimulus = STIMULI[list(STIMULI.ids).index(name)]
        log = model.fitted[folds[name]].power * Powered(1.5).log_density(stimulus)
        np.testing.assert_allclose(
            model.log_density(stimulus), log - np.log(np.exp(log).sum()), rtol=1e-9
        )
    # the fit of a fold does not see its images
    other = FIXATIONS.x.copy()
    of_fixation = folds.of(STIMULI)[FIXATIONS.image]
    other[of_fixation == 2] = 1.0
    moved = salmetrics.Fixations({**FIXATIONS.columns, "x": other}, len(STIMULI))
    again = recalibrate(Powered(1.5), STIMULI, moved, folds=4)
    assert again.fitted[2] == model.fitted[2]
    assert again.fitted[1] != model.fitted[1]


def test_new_images():
    model = recalibrate(Powered(1.5), STIMULI[:30], FIXATIONS.select_images(np.arange(30)))
    stimulus = STIMULI[40]
    log = model.fitted[-1].power * Powered(1.5).log_density(stimulus)
    np.testing.assert_allclose(
        model.log_density(stimulus), log - np.log(np.exp(log).sum()), rtol=1e-9
    )


def test_all_images_at_once():
    model = recalibrate(Powered(0.67), STIMULI, FIXATIONS, folds=None)
    assert list(model.fitted) == [-1]
    assert gain(model) >= gain(recalibrate(Powered(0.67), STIMULI, FIXATIONS)) - 1e-6


def test_the_centre_bias_fills_what_is_empty():
    with pytest.raises(
        InputError, match=r"gives probability 0 to \d+ of 3000 fixations, and every pow"
    ):
        recalibrate(Powered(1.0, corner=True), STIMULI, FIXATIONS)
    model = recalibrate(Powered(1.0, corner=True), STIMULI, FIXATIONS, centre_bias=True)
    assert 0 < model.fitted[-1].centre_weight < 0.5
    assert gain(model) > gain(MADE.truth) - 0.2
    assert salmetrics.evaluate(model, STIMULI, FIXATIONS, metrics=["LL"]).models == [
        "recalibrated truth^1.0"
    ]


@pytest.mark.parametrize("n", [2, 5, 6, 12, 16])
def test_any_number_of_images(n):
    some = np.arange(n)
    model = recalibrate(Powered(1.5), STIMULI[some], FIXATIONS.select_images(some), folds=min(5, n))
    assert sorted(model.fitted) == list(range(-1, min(5, n)))


def test_names_and_numbers():
    model = recalibrate(Powered(1.5), STIMULI, FIXATIONS)
    found = model.fitted[-1]
    assert model.name == "recalibrated truth^1.5"
    assert model.parameters == {"power": found.power, "centre_weight": 0.0, "model": {}}
    assert repr(model).startswith(f"<Recalibrated: power {found.power:.4g}, centre bias 0, ")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: recalibrate(salmetrics.as_model({}, kind="saliency_map"), STIMULI, FIXATIONS),
            "recalibration needs densities; dict gives saliency maps",
        ),
        (lambda: recalibrate(UNIFORM, STIMULI, FIXATIONS, folds=1), "folds must be from 2 to 60"),
        (lambda: recalibrate(UNIFORM, STIMULI, FIXATIONS[:0]), "there are no fixations to fit to"),
        (
            lambda: recalibrate(
                salmetrics.GoldStandard(
                    STIMULI, FIXATIONS, bandwidth=3, centre_weight=0.1, uniform_weight=0.1
                ),
                STIMULI,
                FIXATIONS,
            ),
            "recalibration needs one density per image",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(InputError, match=text):
        call()

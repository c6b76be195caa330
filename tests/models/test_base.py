"""What every model has by default, and how predictions are asked for and checked."""

import numpy as np
import pytest

from salmetrics import DensityModel, Fixations, InputError, SaliencyMapModel, Stimuli, Uniform
from salmetrics.models.base import (
    NO_DENSITY,
    as_array,
    check_size,
    checked_log_density,
    checked_saliency_map,
    log_density_of,
    model_name,
    predictions_of,
    saliency_map_of,
)

STIMULI = Stimuli.from_sizes([(3, 4), (5, 2), (3, 4)], ids=["a", "b", "c"])
FIXATIONS = Fixations.from_arrays(
    [0.5, 3.9, 1.0, 1.5],
    [2.5, 0.0, 4.9, 1.0],
    [0, 0, 1, 0],
    subject=["u", "v", "u", "u"],
    n_images=3,
)


class Ramp(DensityModel):
    """Pixels in proportion with their number, for subject "v" backwards."""

    def log_density(self, stimulus, *, subject=None):
        height, width = stimulus.size
        density = np.arange(1.0, height * width + 1).reshape(height, width)
        return np.log((density[::-1, ::-1] if subject == "v" else density) / density.sum())


class RampOfSubjects(Ramp):
    name = "ramp"
    subject_dependent = True


class Maps(SaliencyMapModel):
    name = "maps"

    def saliency_map(self, stimulus):
        return np.arange(np.prod(stimulus.size)).reshape(stimulus.size)


# ---- defaults


def test_defaults():
    model = Ramp()
    assert (model.name, model.parameters, model.without_maps) == (None, {}, None)
    assert not model.subject_dependent
    assert not model.leave_one_out
    assert model.check_data(STIMULI, FIXATIONS) is None
    assert Maps().check_data(STIMULI, FIXATIONS) is None


def test_a_model_must_predict():
    for kind in (DensityModel, SaliencyMapModel):
        with pytest.raises(TypeError, match="abstract"):
            kind()


def test_likelihoods_are_looked_up():
    found = Ramp().log_likelihoods(STIMULI, FIXATIONS)
    assert found.dtype == np.float64
    # the pixels of rows 2, 0, 4, 1 and columns 0, 3, 1, 1
    np.testing.assert_allclose(np.exp(found), [9 / 78, 4 / 78, 10 / 55, 6 / 78], rtol=1e-14)
    assert Ramp().log_likelihoods(STIMULI, FIXATIONS[:0]).shape == (0,)


def test_likelihoods_by_subject():
    found = RampOfSubjects().log_likelihoods(STIMULI, FIXATIONS)
    # backwards, "v" looks at the fourth pixel of twelve: 12 - 3
    np.testing.assert_allclose(np.exp(found), [9 / 78, 9 / 78, 10 / 55, 6 / 78], rtol=1e-14)


def test_which_models_know_likelihoods():
    class Own(Ramp):
        def log_likelihoods(self, stimuli, fixations):
            return np.zeros(len(fixations))

    assert not Ramp().knows_likelihoods
    assert Own().knows_likelihoods
    assert RampOfSubjects().knows_likelihoods


def test_likelihoods_of_wrong_data():
    with pytest.raises(InputError, match="on 3 images, but there are 2"):
        Ramp().log_likelihoods(STIMULI[:2], FIXATIONS)


def test_predictions_one_after_the_other():
    logs = list(Ramp().log_densities(STIMULI))
    assert [log.shape for log in logs] == [(3, 4), (5, 2), (3, 4)]
    np.testing.assert_array_equal(logs[1], Ramp().log_density(STIMULI[1]))
    maps = list(Maps().saliency_maps(STIMULI))
    assert maps[2].max() == 11
    assert [each.shape for each in maps] == [(3, 4), (5, 2), (3, 4)]


def test_why_maps_have_no_likelihood():
    assert "salmetrics.fit_density" in NO_DENSITY


# ---- arrays


class Tensor:
    """What of a torch tensor is called, and in which order."""

    def __init__(self, array, dtype="torch.float32"):
        self.array, self.dtype, self.calls = array, dtype, []

    def _called(self, name):
        self.calls.append(name)
        return self

    def detach(self):
        return self._called("detach")

    def cpu(self):
        return self._called("cpu")

    def float(self):
        return self._called("float")

    def numpy(self):
        self.calls.append("numpy")
        return self.array


def test_arrays():
    array = np.ones((2, 3), np.float32)
    assert as_array(array) is array
    assert as_array([[1, 2]]).tolist() == [[1, 2]]
    assert as_array(array[np.newaxis, np.newaxis]).shape == (2, 3)
    assert as_array(np.ones((1, 3))).shape == (1, 3)  # a map of one row stays one
    assert as_array(np.ones((2, 1, 3))).shape == (2, 1, 3)
    with pytest.raises(InputError, match=r"must not be masked arrays.*use .filled\(value\)"):
        as_array(np.ma.masked_array(array, array > 0))


def test_tensors():
    tensor = Tensor(np.ones((1, 2, 3)))
    assert as_array(tensor).shape == (2, 3)
    assert tensor.calls == ["detach", "cpu", "numpy"]
    half = Tensor(np.ones((2, 3)), "torch.bfloat16")  # which NumPy does not know
    as_array(half)
    assert half.calls == ["detach", "cpu", "float", "numpy"]


# ---- checks


def test_names():
    assert model_name(Ramp()) == "Ramp"
    assert model_name(Maps()) == "maps"
    odd = Ramp()
    for odd.name in ("", 3, None):
        assert model_name(odd) == "Ramp"


def test_checked_predictions():
    (stimulus, *_) = STIMULI
    log = Ramp().log_density(stimulus)
    np.testing.assert_array_equal(checked_log_density(log, stimulus, Ramp()).values, log)
    shifted = checked_log_density(log + 3, stimulus, Ramp(), normalize=True).values
    np.testing.assert_allclose(shifted, log, rtol=1e-13)
    np.testing.assert_array_equal(
        saliency_map_of(Maps(), stimulus).values, Maps().saliency_map(stimulus)
    )
    np.testing.assert_array_equal(log_density_of(Ramp(), stimulus).values, log)
    backwards = log_density_of(RampOfSubjects(), stimulus, subject="v").values
    np.testing.assert_array_equal(backwards, log[::-1, ::-1])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda s: checked_log_density(np.zeros((3, 4)), s, Ramp()),
            "log density of Ramp for image 'a'",
        ),
        (
            lambda s: checked_saliency_map(np.full((3, 4), np.nan), s, Maps()),
            "map of maps for image 'a'",
        ),
        (
            lambda s: checked_saliency_map(np.zeros((4, 3)), s, Maps()),
            r"maps predicted size \(4, 3\) for image 'a' .* \(height, width\); it looks transposed",
        ),
        (
            lambda s: checked_log_density(np.log(np.full((4, 3), 1 / 12)), s, Ramp()),
            r"Ramp predicted size \(4, 3\) for image 'a'",
        ),
    ],
)
def test_wrong_predictions(call, text):
    with pytest.raises(InputError, match=text):
        call(STIMULI[0])


def test_sizes_that_agree():
    prediction = checked_saliency_map(np.zeros((3, 4)), STIMULI[0], Maps())
    assert check_size(prediction, STIMULI[0], Maps()) is None
    with pytest.raises(
        InputError, match=r"use as_model\(..., resize='bilinear'\)|looks transposed"
    ):
        check_size(prediction, STIMULI[1], Maps())


class Breaks(Ramp):
    name = "breaks"

    def log_density(self, stimulus, *, subject=None):
        if stimulus.id == "b":
            raise RuntimeError("no idea")
        return super().log_density(stimulus)


class BreaksToo(Maps):
    def saliency_map(self, stimulus):
        raise RuntimeError("no idea")


@pytest.mark.parametrize(
    ("call", "note"),
    [
        (lambda: log_density_of(Breaks(), STIMULI[1]), "while breaks predicted image 'b'"),
        (lambda: list(predictions_of(Breaks(), STIMULI)), "while breaks predicted image 'b'"),
        (lambda: saliency_map_of(BreaksToo(), STIMULI[0]), "while maps predicted image 'a'"),
        (lambda: list(predictions_of(BreaksToo(), STIMULI)), "while maps predicted image 'a'"),
    ],
)
def test_errors_of_a_model_name_the_image(call, note):
    with pytest.raises(RuntimeError, match="no idea") as caught:
        call()
    assert caught.value.__notes__ == [note]


def test_predictions_of_several_images():
    for model, predict in ((Ramp(), Ramp().log_density), (Maps(), Maps().saliency_map)):
        for found, stimulus in zip(predictions_of(model, STIMULI), STIMULI, strict=True):
            np.testing.assert_array_equal(found, predict(stimulus))


def test_predictions_in_batches():
    class Batched(Ramp):
        def log_densities(self, stimuli):
            yield from [self.log_density(s)[np.newaxis] for s in stimuli]

    assert [p.shape for p in predictions_of(Batched(), STIMULI)] == [(3, 4), (5, 2), (3, 4)]


@pytest.mark.parametrize("n", [0, 2])
def test_predictions_that_are_missing(n):
    class Stops(Uniform):
        name = "stops"

        def log_densities(self, stimuli):
            for stimulus in stimuli[:n]:
                yield self.log_density(stimulus)

    text = f"stops stopped predicting before image '{STIMULI.ids[n]}'; .* one prediction per image"
    with pytest.raises(InputError, match=text):
        list(predictions_of(Stops(), STIMULI))

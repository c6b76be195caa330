import numpy as np
import pytest

from salmetrics import Uniform, information_gain
from salmetrics.datasets import generate_dataset

SMALL = {"size": (40, 50), "n_subjects": 6, "n_fixations": 10}


@pytest.fixture(scope="module")
def generated():
    return generate_dataset(20, seed=3, **SMALL)


def test_shape(generated):
    stimuli, fixations = generated.dataset
    assert stimuli.sizes.tolist() == [[40, 50]] * 20
    assert stimuli.sigma == 40 / 24
    assert fixations.counts().tolist() == [60] * 20
    assert np.bincount(fixations.subject).tolist() == [200] * 6
    fixations.check_against(stimuli)
    assert stimuli[0].image.shape == (40, 50, 3)


def test_truth(generated):
    stimuli, fixations = generated.dataset
    for i, stimulus in enumerate(stimuli):
        p = np.exp(generated.truth.log_density(stimulus))
        # 2000 terms, each with one rounding of log and exp of about 10
        assert p.sum() == pytest.approx(1, rel=1e-12, abs=0)
        expected = np.sum(p * (np.log2(p) + np.log2(p.size)))
        assert generated.expected_gains[i] == pytest.approx(expected, rel=1e-9, abs=0)
    gains = information_gain(generated.truth, stimuli, fixations, baseline=Uniform(), average=None)
    z = (gains.mean() - generated.expected_gains.mean()) / (gains.std() / np.sqrt(gains.size))
    assert abs(z) < 4


def test_seeds(generated):
    again, other = (generate_dataset(20, seed=seed, **SMALL) for seed in (3, 4))
    for name in ("x", "y"):
        ours = getattr(generated.dataset.fixations, name)
        assert np.array_equal(ours, getattr(again.dataset.fixations, name))
        assert not np.array_equal(ours, getattr(other.dataset.fixations, name))
    assert np.array_equal(generated.dataset.stimuli[7].image, again.dataset.stimuli[7].image)


def test_the_first_images_do_not_depend_on_their_number(generated):
    few = generate_dataset(3, seed=3, **SMALL)
    assert np.array_equal(few.dataset.fixations.x, generated.dataset[:3].fixations.x)

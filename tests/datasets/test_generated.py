import numpy as np
import pytest

from salmetrics import InputError, Uniform, information_gain
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


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"n_images": 0}, "n_images must be a whole number >= 1; got 0"),
        ({"n_images": 2.5}, "n_images must be a whole number >= 1; got 2.5"),
        ({"n_subjects": 0}, "n_subjects must be a whole number >= 1; got 0"),
        ({"n_fixations": -1}, "n_fixations must be a whole number >= 1; got -1"),
        ({"n_fixations": "3"}, "n_fixations must be a whole number >= 1; got '3'"),
        ({"seed": -1}, "seed must be a whole number >= 0; got -1"),
        ({"size": 40}, r"size must be two whole numbers \(height, width\); got 40"),
        ({"size": (40, 50, 3)}, r"size must be two whole numbers .* got \(40, 50, 3\)"),
        ({"size": (0, 50)}, "height must be a whole number >= 1; got 0"),
        ({"size": (40, 1.5)}, "width must be a whole number >= 1; got 1.5"),
    ],
)
def test_wrong_input(options, text):
    with pytest.raises(InputError, match=f"^{text}$"):
        generate_dataset(**options)


def test_the_smallest():
    stimuli, fixations = generate_dataset(1, size=[1, 1], n_subjects=1, n_fixations=1).dataset
    assert stimuli.sizes.tolist() == [[1, 1]]
    assert len(fixations) == 1

"""What training sees of a data set: fixations at the map's pixels, weights, centre bias."""

import numpy as np
import pytest
import torch

import salmetrics
from salmetrics import CentreBias, Dataset, InputError, Uniform
from salmetrics_models.backbones.backbone import FeatureExtractor
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.deepgaze.centre_bias import FixedCentreBias
from salmetrics_models.training.inputs import samples as samples_module
from salmetrics_models.training.inputs.features import Features
from salmetrics_models.training.inputs.samples import Samples, checked_weights, warn_of_empty
from tests.salmetrics_models.training.toy_training import ARCHITECTURE, EPS


@pytest.fixture(scope="module")
def features(dataset):
    return Features(FeatureExtractor(HAND_MADE), dataset.stimuli)


def samples(dataset, features, chosen=None, centre_bias=None, **options):
    chosen = range(len(dataset)) if chosen is None else chosen
    return Samples(dataset, chosen, features, centre_bias or Uniform(), ARCHITECTURE, **options)


def test_batches_have_one_size_and_every_image_once(dataset, features):
    made = samples(dataset, features)
    for rng in (None, np.random.default_rng(0)):
        batches = made.batches(3, rng)
        assert sorted(i for batch in batches for i in batch) == list(range(12))
        for batch in batches:
            assert len({tuple(dataset.stimuli.sizes[i]) for i in batch}) == 1
        assert sorted(map(len, batches)) == [1, 2, 3, 3, 3]
    one, other = (made.batches(3, np.random.default_rng(seed)) for seed in (1, 2))
    assert one != other
    assert one == made.batches(3, np.random.default_rng(1))


def test_fixations_at_the_maps_pixels(dataset, features):
    """The sum over the map of counts and logs is that over the image's fixations."""
    made = samples(dataset, features, [1, 3, 4])
    rng = np.random.default_rng(0)
    for images in made.batches(2):
        batch = made.batch(images)
        assert batch.ids == tuple(dataset.stimuli.ids[i] for i in images)
        logs = torch.from_numpy(rng.normal(size=batch.counts.shape))
        full = batch.mixing.enlarged(logs)
        for k, i in enumerate(images):
            mine = dataset.fixations.of_image(i)
            at = full[k, np.floor(mine.y).astype(int), np.floor(mine.x).astype(int)]
            assert float((batch.counts[k] * logs[k]).sum()) == pytest.approx(
                float(at.sum()), rel=1e-12
            )
            assert torch.equal(made.full_counts(i).sum(), batch.counts[k].sum())


def test_centre_bias_at_the_maps_pixels(dataset, features, tmp_path):
    centre_bias = CentreBias.fit(*dataset)
    made = samples(dataset, features, [2, 5], centre_bias, folder=tmp_path, progress=True)
    batch = made.batch([2, 5])
    assert batch.weight == 2
    for k, i in enumerate((2, 5)):
        log = centre_bias.log_density(dataset.stimuli[i])
        np.testing.assert_allclose(batch.centre[k], log[::2, ::2], rtol=EPS)  # held in float32
        part = dataset[[i]]
        expected = salmetrics.log_likelihood(centre_bias, *part, unit="nat")
        assert made.baseline[i] == pytest.approx(expected, rel=1e-12)
    assert not list(tmp_path.iterdir())


def test_weights(dataset, features):
    chosen = [0, 2, 5]
    of_fixation = np.linspace(0, 2, len(dataset.fixations))
    of_image = np.arange(1.0, 13)
    totals = np.bincount(dataset.fixations.image, of_fixation)
    options = {"image_weights": of_image, "fixation_weights": of_fixation}
    by_image = samples(dataset, features, chosen, **options)
    expected = of_image[chosen] / of_image[chosen].mean()
    np.testing.assert_allclose(by_image.weights[chosen], expected, rtol=1e-12)
    by_fixation = samples(dataset, features, chosen, average="fixation", **options)
    expected = (of_image * totals)[chosen] / (of_image * totals)[chosen].mean()
    np.testing.assert_allclose(by_fixation.weights[chosen], expected, rtol=1e-12)
    np.testing.assert_allclose(by_fixation.batch([5]).counts.sum(), totals[5], rtol=1e-12)
    mine = dataset.fixations.rows_of_image(5)
    uniform = -np.log(np.prod(dataset.stimuli.sizes[5]))
    assert by_fixation.baseline[5] == pytest.approx(uniform, rel=1e-12)
    assert by_fixation.full_counts(5).sum() == pytest.approx(of_fixation[mine].sum(), rel=1e-12)


def test_images_without_fixations(dataset, features):
    kept = dataset.fixations[dataset.fixations.image != 4]
    lacking = Dataset("lacking", dataset.stimuli, kept)
    with pytest.warns(UserWarning, match="1 of 12 images of 'lacking' have no fixations.*'blobs4'"):
        warn_of_empty(lacking, None, None)
    assert samples(lacking, features, [3, 4]).numbers == [3]
    with pytest.raises(InputError, match="none of the chosen images of 'lacking' has fixations"):
        samples(lacking, features, [4])
    weights = np.ones(12)
    weights[[1, 4]] = 0
    with pytest.warns(UserWarning, match="2 of 12 images"):
        warn_of_empty(lacking, weights, None)


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ([1, 2], r"w must be 3 numbers; got shape \(2,\)"),
        ([1, -1, 2], "w must be finite and at least 0; number 1 is -1"),
        ([1, 2, np.nan], "w must be finite and at least 0; number 2 is nan"),
        (["a", "b", "c"], "w must be numbers: "),
        ([0, 0, 0], "w are all 0"),
    ],
)
def test_wrong_weights(weights, text):
    with pytest.raises(InputError, match=text):
        checked_weights("w", weights, 3)


def test_a_centre_bias_of_zero(dataset, features):
    log = np.zeros((72, 96))
    log[:3] = -np.inf
    bias = FixedCentreBias(log - np.log(69 * 96))
    with pytest.raises(InputError, match="has probability 0 at some pixels of image 'blobs1'"):
        samples(dataset, features, [1], bias)


def test_no_room_for_the_centre_bias(dataset, features, tmp_path, monkeypatch):
    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(samples_module.os, "posix_fallocate", full, raising=False)
    with pytest.raises(InputError, match=r"for the centre bias cannot be written .*No space"):
        samples(dataset, features, folder=tmp_path)

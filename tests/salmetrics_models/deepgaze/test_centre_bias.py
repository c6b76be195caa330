"""Centre biases as DeepGaze takes them."""

import numpy as np
import pytest
from scipy.special import logsumexp

import salmetrics
from salmetrics import InputError, Stimuli
from salmetrics.models.baselines import GaussianCentreBias, Uniform
from salmetrics_models.deepgaze.centre_bias import FixedCentreBias, as_centre_bias


@pytest.fixture
def log(rng):
    values = rng.normal(size=(6, 8))
    return values - logsumexp(values)


class TestFixedCentreBias:
    def test_each_pixel_is_that_of_the_nearest(self, log):
        """Twice as large: each pixel stands for four, which share what it has."""
        found = FixedCentreBias(log).at_size((12, 16))
        assert found.dtype == np.float64
        expected = log.repeat(2, 0).repeat(2, 1) - np.log(4)
        # zoom keeps the ends where they are, so pixels in the middle may be of either neighbour
        corners = np.ix_([0, -1], [0, -1])
        np.testing.assert_allclose(
            found[corners] - found[0, 0], expected[corners] - expected[0, 0], rtol=0, atol=1e-12
        )
        assert set(np.round(found - found[0, 0], 9).ravel()) == set(
            np.round(log - log[0, 0], 9).ravel()
        )

    @pytest.mark.parametrize("size", [(6, 8), (5, 13), (40, 3)])
    def test_it_is_a_density_of_each_size(self, log, size):
        (stimulus,) = Stimuli.from_sizes([size])
        found = FixedCentreBias(log).log_density(stimulus)
        assert found.shape == size
        assert np.exp(found).sum() == pytest.approx(1, rel=0, abs=1e-12)

    def test_at_its_own_size_it_is_itself(self, log):
        np.testing.assert_allclose(FixedCentreBias(log).at_size((6, 8)), log, rtol=0, atol=1e-12)

    @pytest.mark.parametrize(
        ("wrong", "text"),
        [
            (np.zeros((3, 3)), "the centre bias must be the natural log of a density"),
            (np.zeros(3), "the centre bias must have shape"),
        ],
    )
    def test_wrong(self, wrong, text):
        with pytest.raises(InputError, match=text):
            FixedCentreBias(wrong)


class TestAsCentreBias:
    def test_models_and_names(self):
        model = salmetrics.GaussianCentreBias(0.3)
        assert as_centre_bias(model) is model
        assert isinstance(as_centre_bias("uniform"), Uniform)
        assert isinstance(as_centre_bias("gaussian"), GaussianCentreBias)

    @pytest.mark.parametrize("kind", [str, lambda path: path])
    def test_files(self, log, tmp_path, kind):
        np.save(tmp_path / "mine.npy", log)
        found = as_centre_bias(kind(tmp_path / "mine.npy"))
        assert isinstance(found, FixedCentreBias)
        assert found.name == "mine"
        np.testing.assert_array_equal(found.log, log)

    def test_arrays(self, log):
        assert as_centre_bias(log).name == "fixed centre bias"
        np.testing.assert_array_equal(as_centre_bias(log.tolist()).log, log)

    def test_what_is_refused(self, tmp_path):
        (tmp_path / "text.npy").write_text("no array")
        np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
        for wrong, text in (
            (None, "centre_bias must be .*; got None"),
            ("none.npy", "there is no file 'none.npy'"),
            (tmp_path / "text.npy", r"text\.npy' is not a .npy file of a centre bias"),
            (tmp_path / "objects.npy", r"objects\.npy' is not a .npy file of a centre bias"),
            (salmetrics.as_model(lambda s: 1, kind="saliency_map"), "centre_bias must be"),
        ):
            with pytest.raises(InputError, match=text):
                as_centre_bias(wrong)

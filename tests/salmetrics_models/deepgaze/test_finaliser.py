"""From readouts to densities: matrices that enlarge and blur, and what the mixture loses."""

import math
import pickle

import numpy as np
import pytest
import torch

from salmetrics_models.deepgaze.finaliser import (
    Finaliser,
    Mixing,
    blurred,
    mixing_for,
    nearest,
    nearest_enlargement,
    stepwise_enlargement,
)

WHERE = torch.float64, torch.device("cpu")


class TestEnlargement:
    def test_nearest_is_that_of_torch(self, rng):
        small = torch.from_numpy(rng.normal(size=(1, 1, 7, 5)))
        expected = torch.nn.functional.interpolate(small, size=(90, 33))
        down, across = nearest_enlargement(7, 90, *WHERE), nearest_enlargement(5, 33, *WHERE)
        assert torch.equal(down @ small @ across.T, expected)  # products with 0 and 1 are exact

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_where_torch_reads(self, dtype):
        """Rounding of the scale differs between the types, so torch itself is asked."""
        line = torch.arange(30, dtype=dtype)
        for n_out in (61, 122, 244, 300):
            found = nearest(30, n_out, dtype, WHERE[1])
            expected = torch.nn.functional.interpolate(line[None, None], size=n_out)[0, 0]
            assert torch.equal(found.to(dtype), expected)

    def test_steps_are_those_of_torch(self, rng):
        """A map of 8 x 15 as the paper has it: to 16 x 30, 64 x 120, 512 x 960 and the image."""
        small = torch.from_numpy(rng.normal(size=(1, 1, 8, 15)))
        expected = small
        for size in ((16, 30), (64, 120), (512, 960), (1080, 1920)):
            expected = torch.nn.functional.interpolate(
                expected, size=size, mode="bicubic", align_corners=True
            )
        down, across = stepwise_enlargement(8, 1080, *WHERE), stepwise_enlargement(15, 1920, *WHERE)
        np.testing.assert_allclose(down @ small @ across.T, expected, rtol=0, atol=1e-12)

    @pytest.mark.parametrize("enlarge", [nearest_enlargement, stepwise_enlargement])
    def test_blur_is_scipys(self, enlarge):
        """Gaussians of several widths, edges repeated, cut where the reach is a whole number."""
        from scipy.ndimage import gaussian_filter1d

        plain = enlarge(7, 90, *WHERE)
        found = blurred(plain, torch.tensor([1.0, 4.0], dtype=torch.float64))
        for one, sigma in zip(found, (1.0, 4.0), strict=True):
            expected = gaussian_filter1d(plain.numpy(), sigma, 0, mode="nearest", truncate=3)
            np.testing.assert_allclose(one, expected, rtol=0, atol=1e-12)


class TestFinaliser:
    def made(self, **options):
        finaliser = Finaliser(3, **options).double()
        with torch.no_grad():
            finaliser.centre_weight.copy_(torch.tensor([0.5, 1.0, 2.0]))
        return finaliser

    @pytest.mark.parametrize("smooth", [True, False])
    @pytest.mark.parametrize("enlargement", ["nearest", "bicubic"])
    def test_it_is_the_blurred_map_and_the_weighed_centre(self, rng, smooth, enlargement):
        from scipy.ndimage import gaussian_filter

        finaliser = self.made(sigma=2.0, smooth=smooth, enlargement=enlargement)
        readouts = torch.from_numpy(rng.normal(size=(2, 2, 4, 5)))
        centre = torch.from_numpy(rng.normal(size=(2, 32, 40)))
        found = finaliser(readouts, centre, torch.tensor([2, 0])).detach()
        enlarge = {"nearest": nearest_enlargement, "bicubic": stepwise_enlargement}[enlargement]
        down, across = enlarge(4, 32, *WHERE), enlarge(5, 40, *WHERE)
        assert found.max() <= 0
        for i in range(2):
            for k, weight in enumerate((2.0, 0.5)):
                full = (down @ readouts[i, k] @ across.T).numpy()
                if smooth:
                    full = gaussian_filter(full, 2.0, mode="nearest", truncate=3)
                expected = full + weight * centre[i].numpy()
                # log densities are equal up to a constant
                np.testing.assert_allclose(
                    found[i, k] - found[i, k].mean(),
                    expected - expected.mean(),
                    rtol=0,
                    atol=1e-12,
                )

    def test_matrices_are_kept_until_the_blur_changes(self, rng):
        finaliser = self.made(sigma=2.0)
        readouts, every = torch.from_numpy(rng.normal(size=(1, 3, 4, 5))), torch.arange(3)
        centre = torch.zeros(1, 16, 20, dtype=torch.float64)
        with torch.inference_mode():
            first = finaliser(readouts, centre, every)
            assert len(finaliser._matrices) == 2  # rows, columns
            assert torch.equal(finaliser(readouts, centre, every), first)
            assert len(finaliser._matrices) == 2
        with torch.no_grad():
            finaliser.sigma.fill_(4.0)
        with torch.inference_mode():
            assert not torch.equal(finaliser(readouts, centre, every), first)
        assert pickle.loads(pickle.dumps(finaliser))._matrices == {}

    def test_constrained(self):
        finaliser = self.made()
        with torch.no_grad():
            finaliser.sigma.copy_(torch.tensor([0.0, 3.0, 900.0]))
        finaliser.constrain()
        assert finaliser.sigma.tolist() == [0.2, 3.0, 200.0]
        self.made(smooth=False).constrain()  # nothing to keep

    def test_facts(self):
        weight = (0.5 + 1.0 + 2.0) / 3
        facts = self.made(sigma=2.0).facts()
        assert facts == pytest.approx({"sigma": 2.0, "centre_weight": weight}, rel=1e-12)
        assert list(self.made(smooth=False).facts()) == ["centre_weight"]

    def test_unknown_enlargement(self):
        with pytest.raises(KeyError, match="linear"):
            Finaliser(1, enlargement="linear")


class TestMixing:
    SIZES = (7, 9), (31, 40)

    def test_densities_are_normalised_over_the_image(self, rng):
        mixing = Mixing(*self.SIZES, *WHERE)
        logs = torch.from_numpy(rng.normal(size=(2, 3, 7, 9)))
        full = mixing.enlarged(mixing.component_densities(logs))
        assert full.shape == (2, 3, 31, 40)
        np.testing.assert_allclose(full.exp().sum((2, 3)), 1, rtol=0, atol=1e-12)

    @pytest.mark.parametrize("lowest", [0.0, -800.0])
    def test_mean_of_densities(self, rng, lowest):
        """Also where exponentials of the map underflow: then logs are added."""
        mixing = Mixing(*self.SIZES, *WHERE)
        logs = torch.from_numpy(rng.normal(size=(2, 3, 7, 9)) - 5)
        logs[..., 0, 0] += lowest
        found = mixing.mean_log(logs)
        parts = mixing.component_densities(logs)
        expected = torch.logsumexp(parts, 1) - math.log(3)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)

    def test_kept_for_the_next_image(self):
        assert mixing_for(*self.SIZES, *WHERE) is mixing_for(*self.SIZES, *WHERE)
        assert mixing_for(*self.SIZES, torch.float32, WHERE[1]) is not mixing_for(
            *self.SIZES, *WHERE
        )


def test_densities_beyond_the_range_of_exponentials():
    """A strong centre bias in float32: the sum of exponentials underflows."""
    torch.manual_seed(0)
    finaliser, every = Finaliser(3), torch.arange(3)
    readouts = torch.randn(1, 3, 8, 10)
    line = torch.linspace(-1, 1, 64)
    centre = -300 * (line[:, None] ** 2 + line[:60] ** 2)[None]
    mixing = mixing_for((64, 60), (64, 60), torch.float32, WHERE[1])
    with torch.inference_mode():
        found = mixing.mean_log(finaliser(readouts, centre, every))
        double = finaliser.double()(readouts.double(), centre.double(), every)
        exact = mixing_for((64, 60), (64, 60), *WHERE).mean_log(double)
    assert exact.min() < -500
    # each log is rounded to eps of its size a few times
    tolerance = 8 * np.finfo(np.float32).eps * float(exact.abs().max())
    np.testing.assert_allclose(found, exact, rtol=0, atol=tolerance)


def test_a_weight_of_the_centre_bias_that_is_not_learnt():
    fixed, learnt = Finaliser(2, centre_weight=False), Finaliser(2)
    assert [name for name, _ in fixed.named_parameters()] == ["sigma"]
    assert fixed.facts() == {"sigma": 8.0, "centre_weight": 1.0}
    readouts, centre, every = torch.rand(1, 2, 3, 4), torch.rand(1, 6, 8), torch.arange(2)
    assert torch.equal(fixed(readouts, centre, every), learnt(readouts, centre, every))
    with torch.no_grad():
        learnt.centre_weight.fill_(0.5)
    fixed.load_state_dict(learnt.state_dict())  # a file of an older training keeps what it learnt
    assert torch.equal(fixed(readouts, centre, every), learnt(readouts, centre, every))

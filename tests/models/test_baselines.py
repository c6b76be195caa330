import numpy as np
import pytest

from salmetrics import GaussianCentreBias, InputError, Stimuli, Uniform


@pytest.mark.parametrize("size", [(1, 1), (3, 8), (60, 41)])
@pytest.mark.parametrize("model", [Uniform(), GaussianCentreBias(), GaussianCentreBias(0.01)])
def test_densities_sum_to_1(model, size):
    density = np.exp(model.log_density(Stimuli.from_sizes([size])[0]))
    assert density.shape == size
    assert density.sum() == pytest.approx(1, rel=1e-12)
    assert np.allclose(density, density[::-1, ::-1], rtol=1e-12, atol=0)


def test_gaussian():
    density = np.exp(GaussianCentreBias(0.2).log_density(Stimuli.from_sizes([(11, 21)])[0]))
    assert np.unravel_index(density.argmax(), density.shape) == (5, 10)
    y, x = np.mgrid[:11, :21]
    expected = np.exp(-((y - 5) ** 2 / 2.2**2 + (x - 10) ** 2 / 4.2**2) / 2)
    np.testing.assert_allclose(density, expected / expected.sum(), rtol=1e-9)
    for sigma in (0, -1, np.nan):
        with pytest.raises(InputError, match="sigma must be a positive share"):
            GaussianCentreBias(sigma)

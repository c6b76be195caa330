"""Empirical maps against scipy.ndimage and the Fourier formula; their mass; what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from strategies import maps, points

from salmetrics.densities import smoothing as smoothing_module
from salmetrics.densities.smoothing import Smoothing, smoothing_of
from salmetrics.errors import InputError
from salmetrics.protocols import BOUNDARIES, get_protocol

SHAPE = (21, 34)
SIGMAS = [0.0, 0.8, 3.0, (3.0, 1.2), 12.0]  # 12: the kernel is larger than the map
each_sigma = pytest.mark.parametrize("sigma", SIGMAS)
each_boundary = pytest.mark.parametrize("boundary", BOUNDARIES)
truncations = pytest.mark.parametrize("truncate", [3.0, 4.0])


@pytest.fixture
def pixels(rng):
    return np.append(rng.integers(0, SHAPE[0] * SHAPE[1], 12), [5, 5, 0])


def counts(pixels, shape=SHAPE):
    return np.bincount(pixels, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)


def reference(image, sigma, boundary, truncate):
    def blurred(array, mode):
        return ndimage.gaussian_filter(array, sigma, mode=mode, truncate=truncate)

    if boundary == "renormalise":  # each pixel's kernel is divided by its mass inside
        return blurred(image / blurred(np.ones(image.shape), "constant"), "constant")
    return blurred(image, boundary)


@each_boundary
@each_sigma
def test_kernels_between_pixels_and_a_grid(pixels, sigma, boundary):
    smoothing = Smoothing(sigma=sigma, boundary=boundary)
    rows, columns = np.array([0, 3, 4, 20]), np.array([1, 2, 30])
    down, right = smoothing.kernels_between(SHAPE, rows, columns)
    expected = smoothing.points(SHAPE, pixels)[np.ix_(rows, columns)]
    np.testing.assert_allclose(down.T @ counts(pixels) @ right, expected, rtol=1e-12, atol=1e-18)


def test_kernels_between_pixels_and_a_grid_with_cycles(pixels):
    smoothing = Smoothing(cycles=6.0)
    rows, columns = np.array([0, 3, 4, 20]), np.array([1, 2, 30])
    down, right = smoothing.kernels_between(SHAPE, rows, columns)
    expected = smoothing.points(SHAPE, pixels)[np.ix_(rows, columns)]
    np.testing.assert_allclose(down.T @ counts(pixels) @ right, expected, rtol=1e-12, atol=1e-18)


def test_by_hand():
    w = np.exp(-0.5 * np.arange(2) ** 2 / 0.4**2)
    w /= w[0] + 2 * w[1]
    smoothing = Smoothing(sigma=0.4, truncate=3.0)  # one pixel to either side
    corner = np.outer([w[0], w[1], 0], [w[0], w[1], 0, 0])
    np.testing.assert_allclose(smoothing.points((3, 4), np.array([0])), corner, rtol=1e-14)
    reflected = Smoothing(sigma=0.4, truncate=3.0, boundary="reflect")
    corner = np.outer([w[0] + w[1], w[1], 0], [w[0] + w[1], w[1], 0, 0])
    np.testing.assert_allclose(reflected.points((3, 4), np.array([0])), corner, rtol=1e-14)


@each_sigma
@each_boundary
@truncations
def test_points_against_scipy(pixels, sigma, boundary, truncate):
    smoothing = Smoothing(sigma=sigma, boundary=boundary, truncate=truncate)
    expected = reference(counts(pixels), sigma, boundary, truncate)
    np.testing.assert_allclose(smoothing.points(SHAPE, pixels), expected, rtol=1e-12, atol=1e-16)


@each_sigma
@each_boundary
@truncations
def test_dense_against_scipy(sigma, boundary, truncate, rng):
    image = rng.normal(size=SHAPE)
    smoothing = Smoothing(sigma=sigma, boundary=boundary, truncate=truncate)
    expected = reference(image, sigma, boundary, truncate)
    # atol: values of both signs cancel
    np.testing.assert_allclose(smoothing.dense(image), expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("shape", "cycles"),  # the last three: kernels cut off, with negative lobes
    [
        ((21, 34), 4.0),
        ((70, 100), 8.0),
        ((1, 1), 0.1),
        ((24, 32), 8.0),
        ((5, 7), 4.0),
        ((1, 3), 4.0),
    ],
)
def test_fourier_blur_against_its_formula(shape, cycles, rng):
    side = 2
    while side < max(shape):
        side *= 2
    frequency = np.fft.fftfreq(side) * side
    gain = np.exp(-np.log(2) * (frequency**2 + frequency[:, np.newaxis] ** 2) / cycles**2)
    pixels = rng.integers(0, shape[0] * shape[1], 6)
    image = counts(pixels, shape)
    expected = np.fft.ifft2(np.fft.fft2(image, (side, side)) * gain).real
    expected = expected[: shape[0], : shape[1]]
    smoothing = Smoothing(cycles=cycles)
    # atol: transforms round far from the points as much as near them
    np.testing.assert_allclose(smoothing.points(shape, pixels), expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(smoothing.dense(image), expected, rtol=1e-12, atol=1e-15)


def test_fourier_gain_is_one_half():
    """A wave of so many cycles per side keeps half its height."""
    wave = np.cos(2 * np.pi * 4 * np.arange(64) / 64) * np.ones((64, 1))
    np.testing.assert_allclose(Smoothing(cycles=4.0).dense(wave), wave / 2, rtol=1e-12, atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [{"boundary": name, "sigma": (1.5, 3.0)} for name in BOUNDARIES] + [{"cycles": 4.0}],
)
@given(data=st.data())
def test_laws(settings, data):
    smoothing = Smoothing(**settings)
    image = data.draw(maps())
    x, y = data.draw(points(image.shape))
    pixels = y * image.shape[1] + x
    blurred = smoothing.points(image.shape, pixels)
    # order and repetition: a sum over points
    singly = [smoothing.points(image.shape, pixels[[k]]) for k in range(pixels.size)]
    np.testing.assert_allclose(blurred, sum(singly[::-1]), rtol=1e-12, atol=1e-16)
    # points are a map of counts
    image = counts(pixels, image.shape)
    np.testing.assert_allclose(smoothing.dense(image), blurred, rtol=1e-10, atol=1e-14)
    # mirrored points have the mirrored map
    mirrored = y * image.shape[1] + image.shape[1] - 1 - x
    np.testing.assert_allclose(
        smoothing.points(image.shape, mirrored), blurred[:, ::-1], rtol=1e-12, atol=1e-16
    )
    if "sigma" in settings:  # the frequency-domain kernel has negative lobes on tiny maps
        assert blurred.min() >= 0


@pytest.mark.parametrize("boundary", ["reflect", "renormalise"])
@each_sigma
def test_mass_is_kept(pixels, boundary, sigma):
    smoothing = Smoothing(sigma=sigma, boundary=boundary)
    np.testing.assert_allclose(smoothing.points(SHAPE, pixels).sum(), pixels.size, rtol=1e-12)


def test_zeros_outside_lose_mass(pixels):
    assert Smoothing(sigma=3.0).points(SHAPE, pixels).sum() < pixels.size


def test_reflect_and_renormalise_keep_what_they_should(rng):
    """Reflection keeps a flat map flat; renormalisation keeps the mass of any map."""
    flat = np.full(SHAPE, 0.25)
    blurred = Smoothing(sigma=3.0, boundary="reflect").dense(flat)
    np.testing.assert_allclose(blurred, flat, rtol=1e-12)
    image = rng.random(SHAPE)
    blurred = Smoothing(sigma=3.0, boundary="renormalise").dense(image)
    np.testing.assert_allclose(blurred.sum(), image.sum(), rtol=1e-12)


@pytest.mark.parametrize("settings", [{"cycles": 4.0}, *({"boundary": b} for b in BOUNDARIES)])
@each_sigma
def test_values_and_mass_without_the_map(pixels, settings, sigma):
    smoothing = Smoothing(sigma=sigma, **settings)
    blurred = smoothing.points(SHAPE, pixels)
    everywhere = np.arange(blurred.size)
    found = smoothing.points_at(SHAPE, pixels, everywhere).reshape(SHAPE)
    np.testing.assert_allclose(found, blurred, rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(smoothing.mass(SHAPE, pixels), blurred.sum(), rtol=1e-12)


@pytest.mark.parametrize("settings", [{"sigma": 2.0}, {"cycles": 4.0}])
def test_edges(settings, rng):
    smoothing = Smoothing(**settings)
    nothing = np.empty(0, np.int64)
    np.testing.assert_array_equal(smoothing.points(SHAPE, nothing), np.zeros(SHAPE))
    assert smoothing.points((1, 1), np.array([0, 0])).shape == (1, 1)
    image = rng.integers(0, 255, SHAPE).astype(np.uint8)
    expected = smoothing.dense(image.astype(np.float64))
    for alike in (image, image.astype(np.float32), np.asfortranarray(image), image.astype(">i4")):
        np.testing.assert_allclose(smoothing.dense(alike), expected, rtol=1e-12)
    image.flags.writeable = False
    np.testing.assert_allclose(smoothing.dense(image), expected, rtol=1e-12)


def test_no_blur_by_default(pixels):
    np.testing.assert_array_equal(Smoothing().points(SHAPE, pixels), counts(pixels))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"boundary": "wrap"},
            "boundary must be one of 'constant', 'reflect', 'renormalise'; got 'wrap'",
        ),
        (
            {"sigma": [1.0, 2.0, 3.0]},
            r"sigma must be a number or two, along y and x; got \[1.0, 2.0, 3.0\]",
        ),
        ({"sigma": -1.0}, "sigma must be a finite number >= 0; got -1.0"),
        ({"sigma": np.nan}, "sigma must be a finite number >= 0; got nan"),
        ({"sigma": (1.0, np.inf)}, r"sigma must be a finite number >= 0; got \(1.0, inf\)"),
        ({"truncate": 0}, "truncate must be positive; got 0"),
        ({"truncate": np.nan}, "truncate must be positive; got nan"),
        ({"cycles": 0.0}, "cycles must be positive or None; got 0.0"),
        ({"cycles": np.nan}, "cycles must be positive or None; got nan"),
    ],
)
def test_refused(settings, text):
    with pytest.raises(InputError, match=f"^{text}$"):
        Smoothing(**settings)


@pytest.mark.parametrize("settings", [{"cycles": 4.0}, *({"boundary": b} for b in BOUNDARIES)])
@pytest.mark.parametrize("sigma", [0.0, 1.2, (3.0, 1.2)])
def test_few_pixels_of_a_blurred_map(settings, sigma, rng):
    """The two ways, by windows and by the whole map, agree."""
    image = rng.random(SHAPE)
    smoothing = Smoothing(sigma=sigma, **settings)
    whole = smoothing.dense(image).reshape(-1)
    for at in (np.array([0, 33, 400, 713]), np.arange(image.size)):
        np.testing.assert_allclose(smoothing.dense_at(image, at), whole[at], rtol=1e-12)


def test_several_images_at_once(rng):
    pixels, at = rng.integers(0, SHAPE[0] * SHAPE[1], (2, 30))
    smoothing = Smoothing(sigma=2.0, boundary="reflect")
    ends, at_ends = np.array([4, 4, 30]), np.array([10, 20, 30])
    found = smoothing.points_at(SHAPE, pixels, at, ends=ends, at_ends=at_ends)
    parts = zip(np.split(pixels, ends[:-1]), np.split(at, at_ends[:-1]), strict=True)
    expected = [smoothing.points(SHAPE, own).reshape(-1)[places] for own, places in parts]
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("settings", [{"cycles": 4.0}, *({"boundary": b} for b in BOUNDARIES)])
def test_masses_point_by_point(settings, pixels):
    smoothing = Smoothing(sigma=3.0, **settings)
    expected = [smoothing.points(SHAPE, pixels[[k]]).sum() for k in range(pixels.size)]
    np.testing.assert_allclose(smoothing.masses(SHAPE, pixels), expected, rtol=1e-12)


@pytest.mark.parametrize("settings", [{"cycles": 4.0}, *({"boundary": b} for b in BOUNDARIES)])
def test_points_are_sums_of_products_of_lines(settings, pixels):
    smoothing = Smoothing(sigma=1.2, **settings)
    which, ys, xs, masses, rows, columns = smoothing.points_and_kernels(SHAPE, pixels)
    assert set(which.tolist()) == set(range(pixels.size))
    total = np.zeros(SHAPE)
    for y, x, mass in zip(ys, xs, masses, strict=True):
        for i in range(max(0, y - rows.size + 1), min(SHAPE[0], y + rows.size)):
            for j in range(max(0, x - columns.size + 1), min(SHAPE[1], x + columns.size)):
                total[i, j] += mass * rows[abs(i - y)] * columns[abs(j - x)]
    np.testing.assert_allclose(smoothing.points(SHAPE, pixels), total, rtol=1e-12, atol=1e-16)


def test_the_blur_of_an_evaluation():
    """The protocol's width, else the data set's, else one degree."""
    usual = get_protocol("default")
    assert smoothing_of(usual.override(sigma=9.0), 5.0, 30.0).sigma == 9
    assert smoothing_of(usual, 5.0, 30.0).sigma == 5
    assert smoothing_of(usual, None, 30.0).sigma == 30
    assert smoothing_of(usual, None, None, required=False).sigma == 0
    tuebingen = smoothing_of(get_protocol("mit-tuebingen"), 5.0, None)
    assert tuebingen == Smoothing(sigma=23.99, boundary="reflect", truncate=4.0)
    assert smoothing_of(get_protocol("mit-matlab"), None, None) == Smoothing(cycles=8.0)
    with pytest.raises(InputError, match=r"pass sigma= .*pixels_per_degree=, or leave out CC, SIM"):
        smoothing_of(usual, None, None, metrics=["CC", "SIM"])
    with pytest.raises(InputError, match=r"pixels_per_degree=$"):
        smoothing_of(usual, None, None)


# ---- many points


@pytest.mark.parametrize("spread", [SHAPE[0] * SHAPE[1], 10])  # as a map, and as pairs of pixels
@pytest.mark.parametrize(
    "settings",
    [
        {"sigma": 3.0, "boundary": "constant"},
        {"sigma": (2.0, 1.2), "boundary": "reflect"},
        {"sigma": 3.0, "boundary": "renormalise"},
        {"cycles": 2.0},
    ],
)
def test_many_points_are_counted_by_pixel(settings, spread, rng, monkeypatch):
    smoothing = Smoothing(**settings)
    pixels, at = (rng.integers(0, spread, n) for n in (2500, 2100))
    ends, at_ends = np.array([20, 2480, 2500]), np.array([10, 2070, 2100])
    several = smoothing.points_at(SHAPE, pixels, at, ends=ends, at_ends=at_ends)
    whole, one = smoothing.points(SHAPE, pixels), smoothing.points_at(SHAPE, pixels, at)
    for name in ("_MANY_PAIRS", "_MANY_POINTS"):
        monkeypatch.setattr("salmetrics.densities.smoothing." + name, 10**9)
    # the Fourier blur of a map is rounded to 1e-16 of its largest value
    near = {"rtol": 1e-12, "atol": 1e-13 * whole.max()}
    np.testing.assert_allclose(one, smoothing.points_at(SHAPE, pixels, at), **near)
    np.testing.assert_allclose(whole, smoothing.points(SHAPE, pixels), **near)
    expected = smoothing.points_at(SHAPE, pixels, at, ends=ends, at_ends=at_ends)
    np.testing.assert_allclose(several, expected, **near)


def test_usual_numbers_of_points_keep_their_bits(rng):
    smoothing = Smoothing(sigma=2.0, boundary="reflect")
    pixels = rng.integers(0, SHAPE[0] * SHAPE[1], 2000)
    calls = []
    original = smoothing_module.kernels.blurred_points_at
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            smoothing_module.kernels,
            "blurred_points_at",
            lambda *a: calls.append(a[2].size) or original(*a),
        )
        smoothing.points_at(SHAPE, pixels, pixels)
        smoothing.points_at(SHAPE, np.append(pixels, 3), pixels)  # one more: counted by pixel
    assert calls == [2000, 0]  # the second is made as a map

"""The single functions: equal to `evaluate` bit for bit, and their own options."""

import numpy as np
import pytest

import salmetrics
from salmetrics.errors import InputError
from salmetrics.metrics.registry import METRICS

# function, its arguments, and whether it scores a density itself
FUNCTIONS = {
    "LL": (salmetrics.log_likelihood, {}, False),
    "IG": (salmetrics.information_gain, {}, False),
    "AUC": (salmetrics.auc, {}, False),
    "sAUC": (salmetrics.sauc, {}, False),
    "NSS": (salmetrics.nss, {}, False),
    "CC": (salmetrics.cc, {}, False),
    "KLDiv": (salmetrics.kldiv, {}, False),
    "SIM": (salmetrics.sim, {}, False),
    "EMD": (salmetrics.emd, {}, True),
    "AUC-Judd": (salmetrics.auc, {"method": "judd"}, True),
    "AUC-Borji": (salmetrics.auc, {"method": "borji"}, True),
    "sAUC-MATLAB": (salmetrics.auc, {"method": "shuffled-matlab", "n_other": 2}, True),
    "SIM-MATLAB": (salmetrics.sim, {"method": "matlab"}, True),
    "IG-MATLAB": (salmetrics.information_gain, {"method": "matlab"}, True),
}
CASES = [
    pytest.param(key, average, id=f"{key}-{average}")
    for key in FUNCTIONS
    for average in (
        ("image", None) if METRICS[key].per == "image" else ("fixation", "image", "subject", None)
    )
]


class Map(salmetrics.SaliencyMapModel):
    def saliency_map(self, stimulus):
        return np.random.default_rng(int(stimulus.id)).random(stimulus.size) ** 2


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    stimuli = salmetrics.Stimuli.from_sizes([(40, 64), (64, 40), (40, 64), (50, 50)], sigma=4)
    image = rng.choice([0, 1, 3], 60)  # none on image 2
    heights, widths = stimuli.sizes[image].T
    return stimuli, salmetrics.Fixations.from_arrays(
        (rng.random(60) * widths).round(-1) % widths,  # some pixels repeatedly
        rng.random(60) * heights,
        image,
        subject=rng.choice(["anna", "ben", "cleo"], 60),
        n_images=4,
    )


def evaluated(key, model, data, **choices):
    chosen = salmetrics.get_protocol("default").override(metrics=(key,), **choices)
    return salmetrics.evaluate({"m": model}, *data, protocol=chosen, progress=False)


def test_every_metric_has_a_function():
    assert set(FUNCTIONS) | {"NSS-MATLAB"} == set(METRICS) - {"IGE"}


@pytest.mark.parametrize("model", [Map(), salmetrics.GaussianCentreBias()], ids=["map", "density"])
@pytest.mark.parametrize(("key", "average"), CASES)
def test_same_bits_as_evaluate(data, key, average, model):
    function, options, scores_density = FUNCTIONS[key]
    choices = {"maps": "density"} if scores_density else {}
    choices |= {name: options[name] for name in ("n_other",) if name in options}
    if METRICS[key].per == "fixation" and average is not None:
        choices["average"] = average
    result = evaluated(key, model, data, **choices)
    if METRICS[key].needs_density and isinstance(model, Map):
        assert np.isnan(result.value("m", key))
        with pytest.raises(TypeError, match=r"Map gives saliency maps. .*fit_density"):
            function(model, *data, average=average, **options)
        return
    found = function(model, *data, average=average, **options)
    if average is None:
        table = result.per_fixation if METRICS[key].per == "fixation" else result.per_image
        assert found.shape == ((60,) if METRICS[key].per == "fixation" else (4,))
        assert np.array_equal(found, table["m", key], equal_nan=True)
        if METRICS[key].per == "image":
            assert np.isnan(found[2])
    else:
        assert isinstance(found, float)
        assert found == result.value("m", key)


@pytest.mark.parametrize("key", list(FUNCTIONS))
@pytest.mark.parametrize("average", ["median", "pixel", "fixation", "subject"])
def test_wrong_averages(data, key, average):
    per = METRICS[key].per
    if per == "fixation" and average in ("fixation", "subject"):
        return
    function, options, _ = FUNCTIONS[key]
    text = rf"average of {key}, which has one value per {per}, must be one of .*; got '{average}'"
    with pytest.raises(InputError, match=text):
        function(salmetrics.Uniform(), *data, average=average, **options)


@pytest.mark.parametrize("model", [Map(), salmetrics.GaussianCentreBias()], ids=["map", "density"])
def test_unique_nss_is_matlabs(data, model):
    found = salmetrics.nss(model, *data, unique=True, ddof=1, average="image")
    assert found == evaluated("NSS-MATLAB", model, data).value("m", "NSS-MATLAB")
    assert found != salmetrics.nss(model, *data, ddof=1, average="image")


def test_unique_nss_leaves_repeated_fixations_nan(data):
    stimuli, _ = data
    twice = salmetrics.Fixations.from_arrays([3.2, 3.9, 9], [5, 5.5, 5], [0, 0, 0], n_images=4)
    found = salmetrics.nss(Map(), stimuli, twice, unique=True, average=None)
    every = salmetrics.nss(Map(), stimuli, twice, average=None)
    assert np.array_equal(found, [every[0], np.nan, every[2]], equal_nan=True)


def test_nss_with_sample_standard_deviation(data):
    stimuli, fixations = data
    found = salmetrics.nss(Map(), *data, ddof=1, average=None)
    for row in (0, 7, 40):
        m = Map().saliency_map(stimuli[fixations.image[row]])
        value = m[int(fixations.y[row]), int(fixations.x[row])]
        assert found[row] == pytest.approx((value - m.mean()) / m.std(ddof=1), rel=1e-9)


def slow_auc(maps, positives, negatives):
    result = []
    for i, x, y in zip(positives.image, positives.x, positives.y, strict=True):
        m = maps[i]
        value, seen = m[int(y), int(x)], negatives.image == i
        others = m[negatives.y[seen].astype(int), negatives.x[seen].astype(int)]
        result.append(np.mean((others < value) + 0.5 * (others == value)))
    return np.array(result)


def test_own_nonfixations(data, rng):
    stimuli, fixations = data
    image = np.repeat([0, 1, 2, 3], 50)
    heights, widths = stimuli.sizes[image].T
    others = salmetrics.Fixations.from_arrays(
        rng.random(200) * widths, rng.random(200) * heights, image, n_images=4
    )
    maps = [np.floor(5 * Map().saliency_map(s)) for s in stimuli]  # many ties
    found = salmetrics.auc(maps, *data, nonfixations=others, average=None)
    np.testing.assert_allclose(found, slow_auc(maps, fixations, others), rtol=1e-12)


def test_unfixated_nonfixations(data):
    stimuli, fixations = data
    maps = [np.floor(5 * Map().saliency_map(s)) for s in stimuli]
    rows = []
    for i, m in enumerate(maps):
        fixated = np.zeros(m.shape, bool)
        seen = fixations.of_image(i)
        fixated[seen.y.astype(int), seen.x.astype(int)] = True
        y, x = np.nonzero(~fixated)
        rows.append(np.stack([x, y, np.full(x.size, i)]))
    x, y, image = np.concatenate(rows, 1)
    others = salmetrics.Fixations.from_arrays(x, y, image, n_images=4)
    found = salmetrics.auc(maps, *data, nonfixations="unfixated", average=None)
    np.testing.assert_allclose(found, slow_auc(maps, fixations, others), rtol=1e-12)


def test_auc_options(data):
    def score(method, **options):
        return salmetrics.auc(Map(), *data, method=method, average="image", **options)

    shuffled = salmetrics.auc(Map(), *data, nonfixations="shuffled")
    assert shuffled == salmetrics.sauc(Map(), *data)
    assert score("borji", step=0.5) != score("borji")
    draws = [score("shuffled-matlab", n_other=1, seed=seed) for seed in (0, 0, 1, 2, 3)]
    assert draws[0] == draws[1]
    assert len(set(draws)) > 1
    ties = [np.floor(3 * Map().saliency_map(s)) for s in data[0]]
    found = [
        salmetrics.auc(ties, *data, method="judd", average="image", jitter=jitter)
        for jitter in ("expected", False)
    ]
    assert found[0] > found[1]  # the formula as it stands puts tied negatives first


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"method": "mean"}, "method must be one of 'mann-whitney', 'judd'.*got 'mean'"),
        ({"nonfixations": "all"}, "nonfixations must be one of 'uniform', .*got 'all'"),
        (
            {"method": "judd", "nonfixations": "unfixated", "average": "image"},
            "nonfixations is fixed for method='judd'; leave it out",
        ),
        ({"method": "borji", "average": "image", "step": 0}, "threshold_step must be above 0"),
        (
            {"method": "shuffled-matlab", "average": "image", "n_other": 0},
            "n_other must be at least 1",
        ),
        ({"method": "judd", "average": "image", "jitter": "yes"}, "judd_jitter must be one of"),
        (
            {"nonfixations": salmetrics.Fixations.from_arrays([1], [1], [0], n_images=2)},
            "fixations are on 2 images, but there are 4 stimuli",
        ),
        (
            {"nonfixations": salmetrics.Fixations.from_arrays([99], [1], [0], n_images=4)},
            "1 of 1 nonfixations are outside their image",
        ),
    ],
)
def test_auc_errors(data, options, text):
    with pytest.raises(InputError, match=text):
        salmetrics.auc(Map(), *data, **options)


@pytest.mark.parametrize(
    ("function", "options", "text"),
    [
        (salmetrics.log_likelihood, {"unit": "byte"}, "unit must be one of 'bit', 'nat'"),
        (salmetrics.information_gain, {"method": "new"}, "method must be one of"),
        (salmetrics.information_gain, {"baseline": Map()}, "baseline= needs densities; Map"),
        (salmetrics.sim, {"method": "new"}, "method must be one of 'benchmark', 'matlab'"),
        (salmetrics.kldiv, {"method": "new"}, "kldiv_method must be one of"),
        (salmetrics.cc, {"boundary": "wrap"}, "boundary must be one of"),
        (salmetrics.cc, {"sigma": -1}, "sigma must be a positive number; got -1"),
        (salmetrics.cc, {"kind": "image"}, "kind must be one of"),
    ],
)
def test_other_errors(data, function, options, text):
    with pytest.raises(InputError, match=text):
        function(salmetrics.Uniform(), *data, **options)


def test_units(data):
    model = salmetrics.GaussianCentreBias()
    for function in (salmetrics.log_likelihood, salmetrics.information_gain):
        bits, nats = (function(model, *data, unit=unit, average=None) for unit in ("bit", "nat"))
        np.testing.assert_allclose(nats, bits * np.log(2), rtol=1e-15)


def test_default_baseline_is_the_cross_validated_centre_bias(data):
    model = salmetrics.GaussianCentreBias()
    explicit = salmetrics.CentreBias.fit(*data)
    default = salmetrics.information_gain(model, *data)
    assert default == salmetrics.information_gain(model, *data, baseline=explicit)
    assert default != salmetrics.information_gain(model, *data, baseline=salmetrics.Uniform())
    assert salmetrics.information_gain(explicit, *data) == 0


def test_raw_arrays(data):
    """Log densities for LL and IG, saliency maps for the others, or what kind= says."""
    stimuli, _ = data
    model = salmetrics.GaussianCentreBias()
    logs = [model.log_density(s) for s in stimuli]
    densities = {s.id: np.exp(d) for s, d in zip(stimuli, logs, strict=True)}
    expected = salmetrics.log_likelihood(model, *data)
    assert salmetrics.log_likelihood(logs, *data) == expected
    assert salmetrics.log_likelihood(densities, *data, kind="density") == pytest.approx(
        expected, rel=1e-12
    )
    with pytest.raises(InputError, match="looks like a density itself: pass kind='density'"):
        salmetrics.log_likelihood(densities, *data)
    with pytest.raises(TypeError, match="dict gives saliency maps"):
        salmetrics.information_gain(densities, *data, kind="saliency_map")
    assert salmetrics.nss(logs, *data, kind="log_density") == salmetrics.nss(model, *data)
    assert salmetrics.nss(logs, *data) != salmetrics.nss(model, *data)  # scored as maps
    assert np.isfinite(salmetrics.sim(densities, *data))


def test_empirical_maps(data):
    stimuli, _ = data
    maps = [Map().saliency_map(s) for s in stimuli]
    assert salmetrics.cc(maps, *data, empirical=maps) == pytest.approx(1, rel=1e-12)
    assert salmetrics.sim(maps, *data, empirical=maps) == pytest.approx(1, rel=1e-12)
    assert salmetrics.kldiv(maps, *data, empirical=maps) == pytest.approx(0, abs=1e-12)
    # not 0: the empirical map is scaled down before, the saliency map after its normalisation
    assert 0 <= salmetrics.emd(maps, *data, empirical=maps) < 0.01
    blurred = salmetrics.cc(maps, *data)
    assert blurred != salmetrics.cc(maps, *data, sigma=8)
    assert blurred != salmetrics.cc(maps, *data, boundary="reflect")
    assert blurred != salmetrics.cc(maps, *data, cycles=8)
    for kldiv in ("benchmark", "matlab"):
        assert np.isfinite(salmetrics.kldiv(maps, *data, method=kldiv))

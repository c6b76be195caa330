"""The gold standard against maps computed slowly from its definition."""

import pickle

import numpy as np
import pytest

from salmetrics import CentreBias, Fixations, GoldStandard, InputError, Stimuli, Uniform, evaluate
from salmetrics.datasets import generate_dataset

OPTIONS = {"bandwidth": 3.0, "centre_weight": 0.2, "uniform_weight": 0.05}


@pytest.fixture(scope="module")
def data():
    """Three images of two sizes; subject "c" is alone on the third."""
    rng = np.random.default_rng(6)
    stimuli = Stimuli.from_sizes(
        [(20, 30), (25, 18), (20, 30)], ids=["p", "q", "r"], pixels_per_degree=4.0
    )
    image = np.repeat([0, 1, 2], [25, 25, 4])
    height, width = stimuli.sizes[image].T
    subject = rng.choice(["a", "b", "c"], 54)
    subject[image == 2] = "c"
    x, y = rng.random(54) * width, rng.random(54) * height
    return stimuli, Fixations.from_arrays(x, y, image, subject=subject)


def slow_density(size, xs, ys, sigma):
    """Kernels at pixel centres, pixel by pixel; one normaliser for all."""
    density = np.zeros(size)
    for i in range(size[0]):
        for j in range(size[1]):
            squares = (j + 0.5 - xs) ** 2 + (i + 0.5 - ys) ** 2
            density[i, j] = np.exp(-squares / (2 * sigma**2)).sum()
    return density / density.sum()


def slow_gold(stimuli, fixations, i, subject, sigma, w, e, centre):
    """The mixture for one subject, from its definition."""
    size = tuple(stimuli.sizes[i])
    others = (fixations.image == i) & (fixations.subject != subject)
    known = w * np.exp(centre.log_density(stimuli[i])) + e / np.prod(size)
    if not others.any():
        return known / (w + e)
    return (1 - w - e) * slow_density(size, fixations.x[others], fixations.y[others], sigma) + known


@pytest.mark.parametrize("weights", [(0.2, 0.05), (0.0, 0.1), (1.0, 0.0), (0.3, 0.0)])
@pytest.mark.parametrize(
    ("units", "bandwidth", "sigmas"),
    [("pixel", 3.0, (3, 3)), ("degree", 0.5, (2, 2)), ("relative", 0.1, (3, 2.5))],
)
def test_definition(data, units, bandwidth, sigmas, weights):
    stimuli, fixations = data
    w, e = weights
    centre = CentreBias(stimuli, fixations, bandwidth=0.2)
    model = GoldStandard(
        stimuli,
        fixations,
        bandwidth=bandwidth,
        units=units,
        centre_weight=w,
        uniform_weight=e,
        centre_bias=centre,
    )
    assert model.subject_dependent
    assert model.n_alone == 4
    found = model.log_likelihoods(stimuli, fixations)
    for i, sigma in enumerate([*sigmas, sigmas[0]]):
        for subject in np.unique(fixations.subject[fixations.image == i]):
            expected = slow_gold(stimuli, fixations, i, subject, sigma, w, e, centre)
            made = np.exp(model.log_density(stimuli[i], subject=subject))
            np.testing.assert_allclose(made, expected, rtol=1e-11)
            assert made.sum() == pytest.approx(1, rel=1e-11)
            own = (fixations.image == i) & (fixations.subject == subject)
            at = fixations.y[own].astype(int), fixations.x[own].astype(int)
            np.testing.assert_allclose(found[own], np.log(expected[at]), rtol=1e-11)


def test_each_fixation_predicted_by_all_others(data):
    stimuli, fixations = data
    centre = CentreBias(stimuli, fixations, bandwidth=0.2)
    model = GoldStandard(*data, **OPTIONS, hold_out="fixation", centre_bias=centre)
    assert "optimistic" in model.name
    assert not model.subject_dependent
    assert model.n_alone == 0
    found = model.log_likelihoods(*data)
    for row in range(0, len(fixations), 7):
        i = fixations.image[row]
        others = (fixations.image == i) & (np.arange(len(fixations)) != row)
        density = slow_density(tuple(stimuli.sizes[i]), fixations.x[others], fixations.y[others], 3)
        at = int(fixations.y[row]), int(fixations.x[row])
        known = 0.2 * np.exp(centre.log_density(stimuli[i])[at]) + 0.05 / density.size
        assert found[row] == pytest.approx(np.log(0.75 * density[at] + known), rel=1e-11)
    with pytest.raises(InputError, match="there is no map: each fixation has a prediction of its"):
        model.log_density(stimuli[0])
    result = evaluate(model, *data, metrics=["LL", "IG", "AUC"], baseline=centre, n_bootstrap=0)
    assert "no map" in result.reasons[model.name, "AUC"]
    assert np.isfinite(result.value(model.name, "IG"))


def test_upper_bound_holds_out_nothing(data):
    stimuli, fixations = data
    centre = CentreBias(stimuli, fixations, bandwidth=0.2)
    model = GoldStandard(*data, **OPTIONS, upper_bound=True, centre_bias=centre)
    assert model.name == "gold-standard (nothing held out)"
    assert not model.subject_dependent
    for i in range(3):
        here = fixations.of_image(i)
        expected = 0.75 * slow_density(tuple(stimuli.sizes[i]), here.x, here.y, 3)
        expected += 0.2 * np.exp(centre.log_density(stimuli[i])) + 0.05 / expected.size
        np.testing.assert_allclose(np.exp(model.log_density(stimuli[i])), expected, rtol=1e-11)
        at = here.y.astype(int), here.x.astype(int)
        found = model.log_likelihoods(stimuli, fixations)[fixations.image == i]
        np.testing.assert_allclose(found, np.log(expected[at]), rtol=1e-11)
    # other fixations on the same images may be scored
    other = Fixations.from_arrays([1, 2], [3, 4], [0, 1], n_images=3)
    plain = GoldStandard(
        *data, bandwidth=3.0, centre_weight=0.0, uniform_weight=0.1, upper_bound=True
    )
    found = plain.log_likelihoods(stimuli, other)
    maps = [plain.log_density(stimuli[i]) for i in (0, 1)]
    np.testing.assert_allclose(found, [maps[0][3, 1], maps[1][4, 2]], rtol=1e-11)


@pytest.fixture(scope="module")
def generated():
    return generate_dataset(30, n_subjects=8).dataset


@pytest.mark.parametrize("hold_out", ["subject", "fixation"])
def test_fit_finds_the_best_of_its_neighbours(generated, hold_out):
    best = GoldStandard.fit(*generated, hold_out=hold_out)
    names = ("bandwidth", "centre_weight", "uniform_weight")
    numbers = {name: getattr(best, name) for name in names}

    def likelihood(**changes):
        model = GoldStandard(
            *generated, **(numbers | changes), hold_out=hold_out, centre_bias=best.centre_bias
        )
        return model.log_likelihoods(*generated).mean() / np.log(2)

    at = likelihood()
    assert at == pytest.approx(best.optimum.log_likelihood, abs=1e-10)
    for name in names:
        for factor in (0.8, 0.95, 1.05, 1.2):
            assert likelihood(**{name: numbers[name] * factor}) < at
        assert best.optimum.curvature[name] > 0
    assert best.optimum.at_bound == ()


def test_units_give_the_same_model(generated):
    stimuli, fixations = generated
    centre = CentreBias.fit(stimuli, fixations)
    in_pixels = GoldStandard.fit(*generated, centre_bias=centre)
    relative = GoldStandard.fit(*generated, units="relative", centre_bias=centre)
    # two searches on other grids of widths: each ends within 0.001 of the best, and is rounded
    assert relative.bandwidth * 320 == pytest.approx(in_pixels.bandwidth, rel=0.005)
    assert relative.centre_weight == pytest.approx(in_pixels.centre_weight, rel=0.02)


def test_fit_with_given_parameters(generated):
    given = GoldStandard.fit(*generated, bandwidth=12.0, uniform_weight=0.01)
    assert (given.bandwidth, given.uniform_weight) == (12.0, 0.01)
    assert 0.01 < given.centre_weight < 0.9
    assert list(given.optimum.curvature) == ["centre_weight"]
    free = GoldStandard.fit(*generated, centre_bias=given.centre_bias)
    assert free.optimum.log_likelihood > given.optimum.log_likelihood
    none = GoldStandard.fit(*generated, centre_weight=0.0, centre_bias=Uniform())
    assert none.centre_weight == 0


def test_fit_warns_at_a_bound():
    """Everybody looks at the same pixel of each image: no width is small enough."""
    stimuli = Stimuli.from_sizes([(60, 60)] * 6)
    spots = np.random.default_rng(0).integers(0, 60, (6, 2)) + 0.5
    image = np.repeat(np.arange(6), 5)
    fixations = Fixations.from_arrays(
        *spots[image].T, image, subject=np.tile(np.arange(5), 6), n_images=6
    )
    with pytest.warns(UserWarning, match="end of the range of bandwidth"):
        model = GoldStandard.fit(stimuli, fixations, centre_bias=Uniform())
    assert model.bandwidth < 0.6
    assert np.isfinite(model.log_likelihoods(stimuli, fixations)).all()


def test_bandwidth_below_a_pixel(data):
    stimuli, fixations = data
    options = {"centre_weight": 0.0, "uniform_weight": 0.1}
    model = GoldStandard(*data, bandwidth=0.2, **options)
    density = np.exp(model.log_density(stimuli[0], subject="a"))
    assert density.sum() == pytest.approx(1, rel=1e-11)
    at = model.log_likelihoods(*data)
    assert np.isfinite(at).all()


def test_one_fixation_and_equal_fixations():
    stimuli = Stimuli.from_sizes([(8, 9), (8, 9)])
    fixations = Fixations.from_arrays(
        [3, 5, 5, 5], [2, 6, 6, 6], [0, 1, 1, 1], subject=["a", "a", "b", "c"]
    )
    model = GoldStandard(stimuli, fixations, bandwidth=1.0, centre_weight=0.0, uniform_weight=0.3)
    assert model.n_alone == 1
    found = np.exp(model.log_likelihoods(stimuli, fixations))
    assert found[0] == pytest.approx(1 / 72, rel=1e-12)
    assert (found[1:] == found[1]).all()
    spot = slow_density((8, 9), np.array([5.0]), np.array([6.0]), 1.0)[6, 5]
    assert found[1] == pytest.approx(0.7 * spot + 0.3 / 72, rel=1e-12)
    assert model.parameters["n_alone"] == 1


def test_a_subject_who_saw_nothing_of_an_image_is_predicted_by_all(data):
    stimuli, fixations = data
    model = GoldStandard(*data, bandwidth=3.0, centre_weight=0.0, uniform_weight=0.1)
    new = model.log_density(stimuli[2], subject="a")
    here = fixations.of_image(2)
    expected = 0.9 * slow_density((20, 30), here.x, here.y, 3.0) + 0.1 / 600
    np.testing.assert_allclose(np.exp(new), expected, rtol=1e-11)
    for unknown in ("d", 1):
        with pytest.raises(InputError, match=r"no fixations of subject .* known are 'a', 'b', 'c'"):
            model.log_density(stimuli[0], subject=unknown)


def test_weights_never_add_up_to_more_than_1():
    """Fixations at random: nobody predicts anybody."""
    rng = np.random.default_rng(5)
    stimuli = Stimuli.from_sizes([(240, 320)] * 10)
    fixations = Fixations.from_arrays(
        rng.random(600) * 320,
        rng.random(600) * 240,
        np.arange(600) % 10,
        subject=np.arange(600) // 60,
    )
    with pytest.warns(UserWarning, match="ended at the end of the range"):
        model = GoldStandard.fit(stimuli, fixations)
    assert model.centre_weight + model.uniform_weight <= 1
    again = GoldStandard(
        stimuli,
        fixations,
        bandwidth=model.bandwidth,
        centre_weight=model.centre_weight,
        uniform_weight=model.uniform_weight,
        centre_bias=model.centre_bias,
    )
    assert np.isfinite(again.log_likelihoods(stimuli, fixations)).all()


def test_fit_on_one_image_needs_no_centre_bias(data):
    stimuli, fixations = data
    one = stimuli[:1], fixations.select_images([0])
    model = GoldStandard.fit(*one, centre_weight=0.0, bandwidth=4.0)
    assert model.centre_bias is None
    assert 0 < model.uniform_weight <= 1
    high = GoldStandard.fit(*data, centre_weight=0.9, bandwidth=4.0, centre_bias=Uniform())
    assert high.centre_weight == 0.9


def test_in_evaluate(data):
    stimuli, fixations = data
    centre = CentreBias(stimuli, fixations, bandwidth=0.2)
    model = GoldStandard(*data, **OPTIONS, centre_bias=centre)
    metrics = ["LL", "IG", "AUC", "NSS", "CC"]
    result = evaluate(model, *data, metrics=metrics, baseline=centre, n_bootstrap=0)
    assert "depend on the subject" in result.reasons["gold-standard", "CC"]
    nats = model.log_likelihoods(*data)
    table = result.per_fixation["gold-standard"]
    np.testing.assert_allclose(table["LL"], nats / np.log(2), rtol=1e-12)
    for row in (0, 30, 53):
        i, subject = fixations.image[row], fixations.subject[row]
        p = np.exp(model.log_density(stimuli[i], subject=subject))
        value = p[int(fixations.y[row]), int(fixations.x[row])]
        assert table["NSS"].iloc[row] == pytest.approx((value - p.mean()) / p.std(), rel=1e-9)


def test_pickles(data):
    model = GoldStandard(*data, **OPTIONS, centre_bias=CentreBias(*data))
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.log_likelihoods(*data), model.log_likelihoods(*data))
    assert repr(again) == repr(model)
    assert repr(model).startswith("<GoldStandard: bandwidth ")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"bandwidth": 0}, "bandwidth must be a positive number; got 0"),
        ({"bandwidth": "fit"}, "bandwidth must be a positive number; got 'fit'"),
        ({"bandwidth": 0.05}, "is 0.05 pixels, less than 0.1: kernels would fall between pixels"),
        ({"centre_weight": -0.1}, "centre_weight must be from 0 to 1; got -0.1"),
        ({"uniform_weight": 1.1}, "uniform_weight must be from 0 to 1; got 1.1"),
        ({"centre_weight": 0.7, "uniform_weight": 0.7}, "not add up to more than 1; got 1.4"),
        ({"units": "metre"}, "units must be one of 'pixel', 'degree', 'relative'; got 'metre'"),
        ({"hold_out": "image"}, "hold_out must be one of 'subject', 'fixation'; got 'image'"),
        ({"centre_weight": 0, "uniform_weight": 0}, "4 fixations are on images where nothing"),
    ],
)
def test_errors(data, change, text):
    with pytest.raises(InputError, match=text):
        GoldStandard(*data, **(OPTIONS | change))


def test_errors_of_the_data(data):
    stimuli, fixations = data
    with pytest.raises(InputError, match="a gold standard needs fixations; there are none"):
        GoldStandard(stimuli, fixations[:0], **OPTIONS)
    alone = Fixations.from_arrays([1, 2], [1, 2], [0, 1], n_images=3)
    for make in (GoldStandard.fit, lambda *d: GoldStandard(*d, **OPTIONS)):
        with pytest.raises(InputError, match=r"all fixations are of one subject.*column subject"):
            make(stimuli, alone)
    with pytest.raises(InputError, match="units='degree' needs Stimuli with pixels_per_degree="):
        GoldStandard(Stimuli.from_sizes(stimuli.sizes), fixations, **OPTIONS, units="degree")
    model = GoldStandard(*data, **OPTIONS, centre_bias=CentreBias(*data))
    with pytest.raises(InputError, match="name the subject that is predicted, subject="):
        model.log_density(stimuli[0])
    with pytest.raises(InputError, match="knows no fixations on image 'new'"):
        model.log_density(Stimuli.from_sizes([(3, 3)], ids=["new"])[0], subject="a")
    with pytest.raises(InputError, match=r"'p' has size \(3, 3\), but \(20, 30\)"):
        model.log_density(Stimuli.from_sizes([(3, 3)], ids=["p"])[0], subject="a")
    swapped = Fixations.from_arrays(
        fixations.x, fixations.y, fixations.image, subject=fixations.subject[::-1]
    )
    for wrong in (swapped, fixations[1:]):
        with pytest.raises(
            InputError, match=r"gold standard leaves out image '.', which now comes"
        ):
            model.log_likelihoods(stimuli, wrong)
        with pytest.raises(InputError, match="gold standard leaves out image"):
            evaluate(model, stimuli, wrong, metrics=["LL"])


def test_no_fixation_but_one_on_each_image():
    stimuli = Stimuli.from_sizes([(9, 9)] * 3)
    fixations = Fixations.from_arrays([1, 2, 3], [1, 2, 3], range(3), subject=["a", "b", "a"])
    model = GoldStandard(stimuli, fixations, bandwidth=1.0, centre_weight=0.0, uniform_weight=0.5)
    assert model.n_alone == 3
    np.testing.assert_allclose(
        np.exp(model.log_likelihoods(stimuli, fixations)), 1 / 81, rtol=1e-12
    )
    with pytest.raises(InputError, match="no fixation has another one on its image"):
        GoldStandard.fit(stimuli, fixations)


@pytest.mark.slow
def test_the_others_come_closer_to_the_truth_the_more_they_are():
    """IG rises with the number of subjects and stays below that of the true density."""
    many = generate_dataset(25, n_subjects=24, n_fixations=8, seed=5)
    stimuli, fixations = many.dataset
    truth = many.truth.log_likelihoods(stimuli, fixations)
    gains = []
    for n in (3, 6, 12, 24):
        some = fixations[fixations.subject < n]
        model = GoldStandard.fit(stimuli, some, centre_bias=CentreBias.fit(stimuli, some))
        found = model.log_likelihoods(stimuli, some)
        rows = fixations.subject < n
        gains.append((found - truth[rows]).mean() / np.log(2))
    assert (np.diff(gains) > 0.02).all()
    assert gains[0] < -0.4
    assert -0.25 < gains[-1] < 0

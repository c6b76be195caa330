"""One pass over the images, and the tables that come out of it."""

import numpy as np
import pytest
import scipy.ndimage

import salmetrics
from salmetrics.datasets import generate_dataset
from salmetrics.errors import InputError, InputWarning
from salmetrics.metrics.registry import METRICS

FIXATION_METRICS = ["LL", "IG", "AUC", "sAUC", "NSS"]
EVERY_METRIC = [key for key, metric in METRICS.items() if metric.share_of is None]


class Map(salmetrics.SaliencyMapModel):
    """A fixed random map for each image."""

    def saliency_map(self, stimulus):
        return np.random.default_rng(int(stimulus.id)).random(stimulus.size)


class Density(salmetrics.DensityModel):
    """A fixed random density for each image."""

    def log_density(self, stimulus, *, subject=None):
        p = np.random.default_rng(int(stimulus.id)).random(stimulus.size)
        return np.log(p / p.sum())


class PerSubject(Density):
    """A density for each image and subject."""

    name = "per subject"
    subject_dependent = True

    def __init__(self):
        self.calls = []

    def log_density(self, stimulus, *, subject=None):
        self.calls.append((stimulus.id, subject))
        seed = [int(stimulus.id), "abc".index(subject)]
        p = np.random.default_rng(seed).random(stimulus.size)
        return np.log(p / p.sum())


class Tensor:
    """What `as_array` needs of a torch tensor."""

    dtype = "torch.float32"

    def __init__(self, array, device="cuda"):
        self.array, self.device = array, device

    def detach(self):
        return Tensor(self.array, self.device)

    def cpu(self):
        return Tensor(self.array, "cpu")

    def numpy(self):
        assert self.device == "cpu"
        return self.array


def make_data(n=40):
    rng = np.random.default_rng(11)
    sizes = [(20, 30), (30, 20), (25, 25), (20, 30)]
    stimuli = salmetrics.Stimuli.from_sizes(sizes, sigma=3)
    image = rng.choice([0, 1, 3], n)  # none on image 2
    heights, widths = stimuli.sizes[image].T
    return stimuli, salmetrics.Fixations.from_arrays(
        rng.random(n) * widths,
        rng.random(n) * heights,
        image,
        subject=rng.choice(["a", "b", "c"], n),
        n_images=4,
    )


@pytest.fixture
def data():
    return make_data()


def evaluate(models, data, **options):
    return salmetrics.evaluate(models, *data, progress=False, **options)


def spied(model, method):
    """Count the images that a model predicts."""
    seen = []
    original = getattr(model, method)

    def spy(stimulus, **options):
        seen.append(stimulus.id)
        return original(stimulus, **options)

    setattr(model, method, spy)
    return seen


def test_one_prediction_an_image_and_model(data):
    maps, density = Map(), Density()
    seen = spied(maps, "saliency_map"), spied(density, "log_density")
    result = evaluate({"m": maps, "d": density}, data, metrics=EVERY_METRIC)
    assert seen == (["0", "1", "3"], ["0", "1", "3"])  # image 2 has no fixations
    assert result.n_predictions == 6


def test_models_predict_in_batches(data):
    class Batches(Density):
        def log_densities(self, stimuli):
            self.ids = stimuli.ids
            return iter([self.log_density(s) for s in stimuli])

    model = Batches()
    found = evaluate({"m": model}, data, metrics=["LL", "NSS"])
    assert model.ids == ("0", "1", "3")
    expected = evaluate({"m": Density()}, data, metrics=["LL", "NSS"])
    assert found.summary.equals(expected.summary)


def test_summary(data):
    stimuli, fixations = data
    result = evaluate({"m": Map(), "d": Density()}, data)
    table = result.summary
    keys = list(salmetrics.get_protocol("default").metrics)
    assert table.index.tolist() == [(m, k) for m in "md" for k in keys]
    assert table.columns.tolist() == [
        "value",
        "low",
        "high",
        "n_images",
        "n_fixations",
        "unit",
        "higher_is_better",
        "note",
    ]
    for (model, key), row in table.iterrows():
        missing = (model, key) in [("m", "LL"), ("m", "IG")]
        assert np.isnan(row.value) == missing
        assert (row.n_images, row.n_fixations) == ((0, 0) if missing else (3, 40))
        assert (row.unit, row.higher_is_better) == (
            METRICS[key].unit,
            METRICS[key].higher_is_better,
        )
        assert (row.note != "") == missing
        assert row.note == result.reasons.get((model, key), "")
        assert result.table.loc[model, key] == row.value or missing
    assert result.models == ["m", "d"]
    assert result.seed == 0


def test_tables(data):
    stimuli, fixations = data
    result = evaluate({"m": Map()}, data, metrics=["NSS", "CC"])
    per_fixation, per_image = result.per_fixation, result.per_image
    assert per_fixation.columns.tolist() == [("m", "NSS")]
    assert per_fixation.index.get_level_values("image").tolist() == [
        stimuli.ids[i] for i in fixations.image
    ]
    assert per_image.columns.tolist() == [("m", "NSS"), ("m", "CC")]
    assert per_image.index.tolist() == list(stimuli.ids)
    assert per_image.loc["2"].isna().all()
    for i in (0, 1, 3):
        m = Map().saliency_map(stimuli[i])
        seen = fixations.of_image(i)
        values = (m[seen.y.astype(int), seen.x.astype(int)] - m.mean()) / m.std()
        rows = fixations.rows_of_image(i)
        np.testing.assert_allclose(per_fixation["m", "NSS"].iloc[rows], values, rtol=1e-9)
        assert per_image["m", "NSS"].iloc[i] == pytest.approx(values.mean(), rel=1e-9)
    assert result.value("m", "NSS") == pytest.approx(per_fixation["m", "NSS"].mean(), rel=1e-12)
    assert result.value("m", "CC") == pytest.approx(per_image["m", "CC"].mean(), rel=1e-12)


def test_footnotes(data):
    baseline = salmetrics.CentreBias(*data, bandwidth=0.1, floor=0.01)
    models = {"m": Map(), "d": Density()}
    result = evaluate(models, data, metrics=["LL", "IG", "SIM"], baseline=baseline)
    assert result.footnotes().splitlines() == [
        "protocol default 1 with metrics LL, IG, SIM",
        "IG over centre-bias (bandwidth 0.1, floor 0.01)",
        "±: half of the 95 % bootstrap interval over images",
        "- LL, IG of m: a saliency map has no log likelihood; turn the maps into densities first, "
        "with salmetrics.fit_density",
    ]
    assert result.footnotes() in repr(result)
    assert result.baseline == "centre-bias"
    options = {"protocol": "mit-matlab", "baseline": salmetrics.Uniform(), "n_bootstrap": 0}
    plain = evaluate({"m": Map()}, data, **options)
    assert plain.footnotes() == "protocol mit-matlab 1\nIG over uniform"
    assert evaluate({"m": Map()}, data, metrics=["NSS"]).baseline is None


def test_a_model_that_depends_on_the_subject(data):
    stimuli, fixations = data
    model = PerSubject()
    result = evaluate(model, data, metrics=["LL", "IG", "AUC", "NSS", "CC"])
    table = result.per_fixation["per subject"]
    pairs = sorted(
        {(stimuli.ids[i], s) for i, s in zip(fixations.image, fixations.subject, strict=True)}
    )
    made = result.n_predictions
    assert made == len(pairs)
    for row in range(len(fixations)):
        i, subject = fixations.image[row], fixations.subject[row]
        density = model.log_density(stimuli[i], subject=subject)
        at = int(fixations.y[row]), int(fixations.x[row])
        assert table["LL"].iloc[row] == pytest.approx(density[at] / np.log(2), rel=1e-12)
        p = np.exp(density)
        assert table["NSS"].iloc[row] == pytest.approx((p[at] - p.mean()) / p.std(), rel=1e-9)
        auc = np.mean((density < density[at]) + 0.5 * (density == density[at]))
        assert table["AUC"].iloc[row] == pytest.approx(auc, rel=1e-12)
    baseline = salmetrics.CentreBias.fit(*data).log_likelihoods(*data) / np.log(2)
    np.testing.assert_allclose(table["IG"], table["LL"] - baseline, rtol=1e-9, atol=1e-12)
    assert np.isnan(result.value("per subject", "CC"))
    assert "depend on the subject" in result.reasons["per subject", "CC"]


def test_pixels_that_another_subject_fixated_are_not_unfixated(data):
    stimuli, fixations = data
    model = PerSubject()
    values = salmetrics.auc(model, *data, nonfixations="unfixated", average=None)
    for row in range(len(fixations)):
        i, subject = fixations.image[row], fixations.subject[row]
        density = model.log_density(stimuli[i], subject=subject)
        looked = fixations.of_image(i)
        free = np.ones(density.shape, bool)
        free[looked.y.astype(int), looked.x.astype(int)] = False
        value = density[int(fixations.y[row]), int(fixations.x[row])]
        auc = np.mean((density[free] < value) + 0.5 * (density[free] == value))
        assert values[row] == pytest.approx(auc, rel=1e-12)


def test_a_model_with_its_own_log_likelihoods(data):
    class Own(Density):
        def log_likelihoods(self, stimuli, fixations):
            return np.full(len(fixations), -7.5)

    result = evaluate(Own(), data, metrics=["LL", "NSS"])
    assert result.value("Own", "LL") == pytest.approx(-7.5 / np.log(2), rel=1e-12)
    assert result.value("Own", "NSS") == evaluate(Density(), data).value("Density", "NSS")
    seen = spied(model := Own(), "log_density")
    assert evaluate(model, data, metrics=["LL"]).n_predictions == 0
    assert seen == []


@pytest.mark.parametrize(
    ("models", "names"),
    [
        (Map(), ["Map"]),
        (Map, ["Map"]),
        ([Map(), Density(), Map(), Map()], ["Map", "Density", "Map 2", "Map 3"]),
        ((salmetrics.Uniform(), salmetrics.Uniform), ["uniform", "Uniform"]),
        ({"x": Map(), 2: Density()}, ["x", "2"]),
    ],
)
def test_names(data, models, names):
    assert evaluate(models, data, metrics=["NSS"]).models == names


def test_raw_predictions(data):
    stimuli, _ = data
    maps = [Map().saliency_map(s) for s in stimuli]
    by_id = dict(zip(stimuli.ids, maps, strict=True))
    expected = evaluate(Map(), data, metrics=["NSS"]).value("Map", "NSS")

    def function(stimulus):
        return Tensor(by_id[stimulus.id][None, None])

    for models, name in [
        (maps, "model"),
        (by_id, "model"),
        ({k: Tensor(m[None]) for k, m in by_id.items()}, "model"),
        ([Tensor(m) for m in maps], "model"),
        (function, "function"),
        ([function], "function"),
        ({"f": function}, "f"),
        ({"f": maps}, "f"),
    ]:
        result = evaluate(models, data, metrics=["NSS"], kind="saliency_map")
        assert result.models == [name]
        assert result.value(name, "NSS") == expected


def test_stacks_by_name():
    stimuli = salmetrics.Stimuli.from_sizes([(5, 6)] * 3, ids=["a.png", "b.png", "c.png"])
    fixations = salmetrics.Fixations.from_arrays([1, 3, 2], [2, 1, 3], [0, 1, 2])
    maps = np.random.default_rng(3).random((3, 5, 6))
    keywords = {"metrics": ["NSS"], "kind": "saliency_map", "n_bootstrap": 0}
    expected = evaluate(list(maps), (stimuli, fixations), **keywords).value("model", "NSS")
    for models, names in [
        ({"m": maps}, ["m"]),
        ({"m": maps[:, None], "n": maps}, ["m", "n"]),
        ({"a": maps[:1], "b": maps[1:2], "c": maps[2:]}, ["model"]),
    ]:
        result = evaluate(models, (stimuli, fixations), **keywords)
        assert result.models == names
        assert [result.value(name, "NSS") for name in names] == [expected] * len(names)


def test_models_that_give_tensors(data):
    """Also as a baseline and for each subject."""

    class Tensors(Density):
        def log_density(self, stimulus, *, subject=None):
            return Tensor(super().log_density(stimulus)[None, None])

    expected = evaluate({"m": Density()}, data, baseline=Density(), metrics=["LL", "IG", "NSS"])
    found = evaluate({"m": Tensors()}, data, baseline=Tensors(), metrics=["LL", "IG", "NSS"])
    assert found.per_fixation.equals(expected.per_fixation)


class NaN(Map):
    def saliency_map(self, stimulus):
        return np.full(stimulus.size, np.nan if stimulus.id == "1" else 1.0)


class Small(Map):
    def saliency_map(self, stimulus):
        return np.ones((4, 5))


class Unnormalised(Density):
    def log_density(self, stimulus, *, subject=None):
        return np.full(stimulus.size, -1.0)


class Early(Map):
    def saliency_maps(self, stimuli):
        yield self.saliency_map(stimuli[0])


class BadLikelihoods(Density):
    def __init__(self, bad):
        self.bad = bad

    def log_likelihoods(self, stimuli, fixations):
        return self.bad(len(fixations))


@pytest.mark.parametrize(
    ("models", "options", "text"),
    [
        (NaN(), {}, "the saliency map of NaN for image '1' must be finite; got 600 NaN"),
        (
            {"mine": Small()},
            {},
            r"mine predicted size \(4, 5\) for image '0' of size \(20, 30\).*resize=",
        ),
        (
            Unnormalised(),
            {},
            r"log density of Unnormalised for image '0' must be .* sums to 1; its sum is",
        ),
        (Early(), {}, "Early stopped predicting before image '1'"),
        ({}, {}, "models must hold at least one model"),
        ([], {}, "models must hold at least one model"),
        (Map(), {"metrics": ["AUC", "ABC"]}, "metric must be one of 'LL', .*; got 'ABC'"),
        (
            Map(),
            {"protocol": "new"},
            "protocol must be one of 'default', 'mit-matlab', .*; got 'new'",
        ),
        (lambda s: 1, {}, "kind is needed for <lambda>: 'log_density'"),
        (
            Map(),
            {"baseline": Map(), "metrics": ["IG"]},
            "baseline= needs densities; Map gives saliency maps",
        ),
        (
            {"m": {"0": np.arange(600.0).reshape(20, 30)}},
            {"kind": "saliency_map"},
            "no prediction for image '1'; the first of the 1 predictions are for '0'",
        ),
        (
            {"m": [np.ones((20, 30))]},
            {"kind": "saliency_map"},
            "there are 1 predictions for 4 stimuli",
        ),
        (
            BadLikelihoods(lambda n: np.full(n, np.nan)),
            {"metrics": ["LL"]},
            "log_likelihoods of BadLikelihoods for image '0' must be one number per fixation",
        ),
        (
            BadLikelihoods(lambda n: np.zeros(n + 1)),
            {"metrics": ["LL"]},
            "log_likelihoods of BadLikelihoods for image '0' must be one number per fixation",
        ),
    ],
)
def test_errors(data, models, options, text):
    with pytest.raises(InputError, match=text):
        evaluate(models, data, **({"metrics": ["NSS"]} | options))


def test_errors_of_the_data(data):
    stimuli, fixations = data
    with pytest.raises(InputError, match="there are no fixations to score models on"):
        evaluate(Map(), (stimuli, fixations[:0]))
    with pytest.raises(InputError, match="on 4 images, but there are 3 stimuli"):
        evaluate(Map(), (stimuli[:3], fixations))
    x = fixations.x.copy()
    x[[3, 5, 8, 11]] = -1
    outside = salmetrics.Fixations.from_arrays(x, fixations.y, fixations.image, n_images=4)
    with pytest.raises(InputError, match="4 of 40 fixations are outside their image; the first"):
        evaluate(Map(), (stimuli, outside))
    unknown = salmetrics.Stimuli.from_sizes(stimuli.sizes)
    with pytest.raises(InputError, match=r"pass sigma= .*pixels_per_degree=, or leave out CC$"):
        evaluate(Map(), (unknown, fixations), metrics=["CC"])
    assert np.isfinite(evaluate(Map(), (unknown, fixations), metrics=["AUC"]).value("Map", "AUC"))


def test_where_sigma_comes_from(data):
    sizes, fixations = data[0].sizes, data[1]
    protocol = salmetrics.get_protocol("default").override(metrics=("CC",))

    def value(protocol, **facts):
        stimuli = salmetrics.Stimuli.from_sizes(sizes, **facts)
        return evaluate(Map(), (stimuli, fixations), protocol=protocol).value("Map", "CC")

    assert value(protocol.override(sigma=5), sigma=3, pixels_per_degree=4) == value(
        protocol, sigma=5
    )
    assert value(protocol, sigma=3, pixels_per_degree=4) == value(protocol, sigma=3)
    assert value(protocol, pixels_per_degree=4) == value(protocol, sigma=4)


@pytest.mark.parametrize(
    ("empirical", "text"),
    [
        ([np.ones((3, 3))] * 4, r"predicted size \(3, 3\) for image '0' of size \(20, 30\)"),
        ([np.ones((3, 3))] * 3, "there are 3 predictions for 4 stimuli"),
        (salmetrics.Uniform(), "empirical must give saliency maps, not densities"),
        (NaN(), "the empirical map for image '1' must be finite"),
    ],
)
def test_errors_of_empirical_maps(data, empirical, text):
    with pytest.raises(InputError, match=text):
        salmetrics.cc(Map(), *data, empirical=empirical)


def test_constant_ground_truth_counts_as_missing(data):
    stimuli, _ = data
    truth = {s.id: np.ones(s.size) if s.id == "1" else Map().saliency_map(s) for s in stimuli}
    found = salmetrics.cc(Map(), *data, empirical=truth, average=None)
    assert np.isnan(found).tolist() == [False, True, True, False]
    assert salmetrics.cc(Map(), *data, empirical=truth) == pytest.approx(1, rel=1e-12)


def test_order_of_images_does_not_matter(data):
    stimuli, fixations = data
    order = np.array([3, 1, 0, 2])
    moved = stimuli[order], fixations.select_images(order)
    metrics = [key for key in EVERY_METRIC if key != "EMD"]
    first, second = (
        evaluate({"m": Map(), "d": Density()}, d, metrics=metrics) for d in (data, moved)
    )
    # another order of the sums in the centre bias, and of the other images' fixations
    np.testing.assert_allclose(
        second.per_image.to_numpy(), first.per_image.iloc[order].to_numpy(), rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(
        second.summary["value"].to_numpy(), first.summary["value"].to_numpy(), rtol=1e-12
    )


def test_order_of_fixations_does_not_matter(data, rng):
    stimuli, fixations = data
    rows = rng.permutation(len(fixations))
    # 1e-9: the centre bias is a difference of sums, whose last bits weigh where it is small
    first = evaluate(Density(), data, metrics=FIXATION_METRICS).per_fixation
    second = evaluate(Density(), (stimuli, fixations[rows]), metrics=FIXATION_METRICS).per_fixation
    np.testing.assert_allclose(second.to_numpy(), first.to_numpy()[rows], rtol=1e-9)


def test_repeated_runs_are_equal(data):
    first, second = (evaluate(Density(), data, seed=3).per_fixation for _ in range(2))
    assert first.equals(second)


def test_memory_that_a_model_uses_again_for_the_next_subject(data):
    class Buffered(PerSubject):
        def log_density(self, stimulus, *, subject=None):
            made = super().log_density(stimulus, subject=subject)
            kept = self.__dict__.setdefault(str(stimulus.size), np.empty(stimulus.size))
            kept[:] = made
            return kept

    options = {"metrics": ["LL", "AUC", "NSS"]}
    found, expected = (evaluate({"m": m()}, data, **options) for m in (Buffered, PerSubject))
    assert found.per_fixation.equals(expected.per_fixation)


def test_names_that_are_equal_as_text(data):
    with pytest.raises(InputError, match="same name twice, as text"):
        evaluate({1: Map(), "1": Map()}, data)


def test_choices_that_move_sim():
    generated = generate_dataset(6, size=(40, 50), n_subjects=4)
    stimuli, fixations = generated.dataset
    protocol = salmetrics.get_protocol("default")

    def value(seed=0, **changes):
        options = {"metrics": ["SIM"], "seed": seed, "protocol": protocol.override(**changes)}
        result = evaluate(generated.truth, (stimuli, fixations), n_bootstrap=0, **options)
        return result.value("truth", "SIM")

    usual = value()
    assert value() == usual
    assert value(sim_fixations=round(len(fixations) / len(stimuli))) == usual
    others = [value(seed=1), value(sim_fixations=5), value(sim_samples=20), value(sim_truncate=1.0)]
    assert len({usual, *others}) == 5


def test_a_gold_standard_of_arrays(rng):
    stimuli = salmetrics.Stimuli.from_sizes([(6, 8), (6, 8)])
    fixations = salmetrics.Fixations.from_arrays([2, 5.5, 3], [1, 4.5, 2], [0, 0, 1])
    densities = rng.dirichlet(np.ones(48), size=2).reshape(2, 6, 8)
    found = {}
    for gold in (np.log(densities), list(np.log(densities))):
        result = salmetrics.evaluate(
            {"u": salmetrics.Uniform()},
            stimuli,
            fixations,
            metrics=["IG"],
            baseline=salmetrics.Uniform(),
            gold_standard=gold,
            n_bootstrap=0,
        )
        found[type(gold)] = result.value(result.gold_standard, "IG")
    rows, columns = [1, 4, 2], [2, 5, 3]
    at = np.log2(densities[[0, 0, 1], rows, columns] * 48)
    assert found[np.ndarray] == found[list] == pytest.approx(at.mean(), rel=1e-12)
    with pytest.raises(InputError, match="needs IG among the metrics"):
        salmetrics.evaluate(
            salmetrics.Uniform(),
            stimuli,
            fixations,
            metrics=["LL"],
            gold_standard=np.log(densities),
        )


def test_references_are_checked_before_anything_is_fitted(monkeypatch):
    stimuli = salmetrics.Stimuli.from_sizes([(6, 8), (6, 8)], sigma=1)
    fixations = salmetrics.Fixations.from_arrays([2, 5.5, 3], [1, 4.5, 2], [0, 0, 1])

    def fit(*args, **kwargs):
        raise AssertionError("fitted")

    monkeypatch.setattr(salmetrics.CentreBias, "fit", fit)
    with pytest.raises(InputError, match="empirical must give saliency maps"):
        salmetrics.evaluate(
            salmetrics.Uniform(), stimuli, fixations, empirical=salmetrics.Uniform()
        )


def test_names_of_paths(tmp_path):
    """A path given as text is named as a `Path` is: by its last part, or more if two are equal."""
    generated = generate_dataset(2, size=(12, 16))
    stimuli, fixations = generated.dataset
    for name in ("a/maps", "b/maps", "b/sam"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        salmetrics.export_predictions(Map(), stimuli, tmp_path / name)
    options = {"metrics": ["AUC"], "n_bootstrap": 0, "progress": False}

    def names(*paths):
        return salmetrics.evaluate(list(paths), stimuli, fixations, **options).models

    assert names(str(tmp_path / "a/maps")) == names(tmp_path / "a/maps") == ["maps"]
    several = [str(tmp_path / "a/maps"), tmp_path / "b/maps", str(tmp_path / "b/sam")]
    assert names(*several, salmetrics.Uniform()) == ["a/maps", "b/maps", "sam", "uniform"]
    swapped = "stimuli and fixations are swapped"
    with pytest.raises(InputError, match=swapped):
        salmetrics.evaluate(several[0], fixations, stimuli)
    with pytest.raises(InputError, match=swapped):
        salmetrics.auc(several[0], fixations, stimuli)


# ---- ground-truth maps without fixations


TRUTH_STIMULI = salmetrics.Stimuli.from_sizes([(16, 20), (12, 20), (16, 20)], ids=["a", "b", "c"])


def truths():
    rng = np.random.default_rng(7)
    return {s.id: rng.random(s.size) ** 3 for s in TRUTH_STIMULI}


def guesses():
    rng = np.random.default_rng(8)
    return {s.id: rng.random(s.size) for s in TRUTH_STIMULI}


def plain_scores(s, q):
    """CC, KLDiv and SIM of two maps, written out."""
    cc = ((s - s.mean()) * (q - q.mean())).mean() / s.std() / q.std()
    eps = 2.2204e-16
    p, t = s / s.sum(), q / q.sum()
    return cc, (t * np.log(eps + t / (p + eps))).sum(), np.minimum(p, t).sum()


def test_ground_truth_without_fixations():
    """All images count, and each metric is the mean over them of its formula."""
    result = salmetrics.evaluate(
        {"m": guesses()}, TRUTH_STIMULI, empirical=truths(), kind="saliency_map", n_bootstrap=50
    )
    expected = [plain_scores(guesses()[i], truths()[i]) for i in TRUTH_STIMULI.ids]
    assert result.metrics == list(salmetrics.get_protocol("default").metrics)
    found = result.table.loc["m", ["CC", "KLDiv", "SIM"]]
    np.testing.assert_allclose(found, np.mean(expected, axis=0), rtol=1e-9)
    np.testing.assert_allclose(result.per_image["m"][["CC", "KLDiv", "SIM"]], expected, rtol=1e-9)
    for key in ("LL", "IG", "AUC", "sAUC", "NSS"):
        assert result.reasons["m", key] == "there are no fixations, only ground-truth maps"
    row = result.summary.loc["m", "CC"]
    assert (row["n_images"], row["n_fixations"]) == (3, 0)
    assert row["low"] < row["value"] < row["high"]
    assert result.baseline is None


def test_ground_truth_without_fixations_in_files(tmp_path):
    stimuli = TRUTH_STIMULI
    result = salmetrics.evaluate(
        {"m": guesses()}, stimuli, empirical=truths(), kind="saliency_map", metrics=["CC", "SIM"]
    )
    result.save(tmp_path / "r.h5")
    loaded = salmetrics.Evaluation.load(tmp_path / "r.h5")
    assert loaded.summary.equals(result.summary)
    assert loaded.select(["m"]).per_image.equals(result.per_image)


def test_a_density_without_fixations():
    """Its optimal maps need a width, but no fixations; without one it lacks them, not others."""
    models = {
        "centre": salmetrics.GaussianCentreBias(),
        "m": salmetrics.as_model(guesses(), kind="saliency_map"),
    }
    result = salmetrics.evaluate(models, TRUTH_STIMULI, empirical=truths())
    assert np.isnan(result.value("centre", "CC"))
    assert "the width of the blur is not known" in result.reasons["centre", "CC"]
    assert np.isfinite(result.value("m", "CC"))
    result = salmetrics.evaluate(models, TRUTH_STIMULI.with_scale(sigma=2), empirical=truths())
    assert np.isfinite(result.table.loc["centre", ["CC", "KLDiv", "SIM"]].astype(float)).all()
    density = {
        s.id: scipy.ndimage.gaussian_filter(
            np.exp(models["centre"].log_density(s)), 2, mode="constant", truncate=4
        )
        for s in TRUTH_STIMULI
    }
    expected = np.mean([plain_scores(density[i], truths()[i])[0] for i in TRUTH_STIMULI.ids])
    assert result.value("centre", "CC") == pytest.approx(expected, rel=1e-9)
    # as it is, it needs no width
    protocol = salmetrics.get_protocol("default").override(maps="density", metrics=("CC",))
    plain = salmetrics.evaluate(models, TRUTH_STIMULI, empirical=truths(), protocol=protocol)
    assert np.isfinite(plain.value("centre", "CC"))


def test_single_metrics_without_fixations():
    expected = np.mean([plain_scores(guesses()[i], truths()[i]) for i in TRUTH_STIMULI.ids], axis=0)
    for function, value in zip(
        (salmetrics.cc, salmetrics.kldiv, salmetrics.sim), expected, strict=True
    ):
        arguments = guesses(), TRUTH_STIMULI, None
        assert function(*arguments, empirical=truths()) == pytest.approx(value, rel=1e-9)
        each = function(*arguments, empirical=truths(), average=None)
        assert each.shape == (3,)
        with pytest.raises(InputError, match="no fixations to score models on; give fixations, or"):
            function(*arguments)


def test_constant_ground_truth_without_fixations():
    maps = truths() | {"b": np.ones((12, 20))}
    with pytest.warns(InputWarning, match=r"1 of 3 maps of the ground truth .* are constant"):
        result = salmetrics.evaluate(
            {"m": guesses()}, TRUTH_STIMULI, empirical=maps, kind="saliency_map", metrics=["CC"]
        )
    assert result.summary.loc[("m", "CC"), "n_images"] == 2


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "there are no fixations to score models on; give fixations, or ground-truth maps"),
        ({"empirical": truths(), "metrics": ["CC", "AUC"]}, "AUC must have fixations; there are"),
        ({"empirical": truths(), "gold_standard": True}, "a gold standard needs fixations"),
        (
            {
                "empirical": truths(),
                "protocol": salmetrics.get_protocol("default").override(metrics=("LL",)),
            },
            "LL must have fixations",
        ),
        ({"empirical": {"a": truths()["a"]}, "metrics": ["CC"]}, "no prediction for image 'b'"),
    ],
)
def test_errors_without_fixations(options, text):
    with pytest.raises(InputError, match=text):
        salmetrics.evaluate({"m": guesses()}, TRUTH_STIMULI, kind="saliency_map", **options)


def test_metrics_without_a_width_are_missing_unless_asked_for():
    stimuli, fixations = generate_dataset(4, size=(20, 30)).dataset
    stimuli = stimuli.with_scale()
    result = salmetrics.evaluate(salmetrics.Uniform(), stimuli, fixations, n_bootstrap=0)
    assert result.value("uniform", "AUC") == 0.5
    for key in ("CC", "KLDiv", "SIM"):
        assert "--dataset NAME,sigma=PIXELS" in result.reasons["uniform", key]
    with pytest.raises(InputError, match="width of the empirical maps is not known: pass sigma="):
        salmetrics.evaluate(salmetrics.Uniform(), stimuli, fixations, metrics=["AUC", "CC"])


# ---- references that cannot be fitted


def test_one_image_is_enough_for_all_metrics_without_a_baseline():
    stimuli, fixations = generate_dataset(2, size=(24, 32), n_subjects=3).dataset
    fixations = fixations[fixations.image == 0]
    options = {"metrics": ["LL", "IG", "NSS"], "n_bootstrap": 0, "progress": False}
    result = salmetrics.evaluate({"m": Map(), "d": Density()}, stimuli, fixations, **options)
    assert result.provenance["baseline"] is result.baseline_model is None
    assert np.isnan(result.value("d", "IG"))
    assert "at least two images" in result.reasons["d", "IG"]
    assert result.value("d", "NSS") == salmetrics.nss(Density(), stimuli, fixations)
    assert result.value("d", "LL") == salmetrics.log_likelihood(Density(), stimuli, fixations)
    with pytest.raises(
        InputError, match=r"; baseline=salmetrics\.Uniform\(\) needs no other images"
    ):
        salmetrics.information_gain(Density(), stimuli, fixations)


def test_a_gold_standard_that_cannot_be_fitted_is_a_reason_that_travels(tmp_path):
    stimuli, fixations = generate_dataset(3, size=(24, 32), n_subjects=1).dataset
    options = {"metrics": ["IG", "NSS"], "n_bootstrap": 0, "progress": False}
    models = {"m": Map(), "d": Density()}
    result = salmetrics.evaluate(models, stimuli, fixations, gold_standard=True, **options)
    result.save(tmp_path / "r.h5")
    for found in (result, salmetrics.Evaluation.load(tmp_path / "r.h5"), result.select(["d"])):
        assert found.metrics == ["IG", "IGE", "NSS"]
        assert found.gold_standard is None
        assert np.isnan(found.value("d", "IGE"))
        assert np.isfinite(found.value("d", "IG"))
        assert "of d: no gold standard: all fixations are of one subject" in repr(found)
    assert "a saliency map has no log likelihood" in result.reasons["m", "IGE"]
    assert np.isnan(result.compare("m", "d", metric="IGE")["difference"]).all()
    assert np.isnan(result.by("subject", intervals=False).xs("IGE", level="metric")["value"]).all()
    assert result.per_image["d", "IGE"].isna().all()
    with pytest.raises(InputError, match="the gold standard cannot be fitted: all fixations are"):
        salmetrics.information_gain_explained(Density(), stimuli, fixations)


def test_a_checkpoint_of_maps_does_not_depend_on_the_baseline_of_densities(tmp_path):
    stimuli, fixations = generate_dataset(3, size=(24, 32), n_subjects=3).dataset
    options = {"metrics": ["IG", "NSS"], "n_bootstrap": 0, "progress": False}
    options |= {"checkpoint": tmp_path}
    alone = salmetrics.evaluate({"m": Map()}, stimuli, fixations, **options)
    both = salmetrics.evaluate({"m": Map(), "d": Density()}, stimuli, fixations, **options)
    assert both.value("m", "NSS") == alone.value("m", "NSS")
    assert len(list(tmp_path.glob("m-*"))) == len(list(tmp_path.glob("d-*"))) == 1


def test_a_path_is_called_by_its_last_part(tmp_path):
    stimuli, fixations = generate_dataset(2, size=(24, 32), n_subjects=3).dataset
    np.save(tmp_path / "maps.npy", np.random.default_rng(0).random((2, 24, 32)))
    for path in (tmp_path / "maps.npy", str(tmp_path / "maps.npy")):
        result = salmetrics.evaluate(path, stimuli, fixations, metrics=["NSS"], n_bootstrap=0)
        assert result.models == ["maps"]


class Stack:
    """Maps in an array of another package, of which only conversion is known."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


def test_arrays_of_other_packages_score_as_those_of_numpy(rng):
    stimuli, fixations = generate_dataset(4, size=(20, 30), seed=2).dataset
    maps = rng.random((4, 20, 30)).astype(np.float32)

    def scores(models):
        options = {"metrics": ["NSS"], "kind": "saliency_map", "n_bootstrap": 0}
        result = salmetrics.evaluate(models, stimuli, fixations, progress=False, **options)
        return result.summary["value"].tolist()

    expected = scores(maps)
    for stack in (Stack(maps), Stack(maps[:, np.newaxis])):
        assert scores(stack) == scores({"mine": stack}) == expected
        assert scores({"mine": stack, "yours": stack}) == 2 * expected
        assert [salmetrics.nss(stack, stimuli, fixations)] == expected
    by_image = {name: Stack(one) for name, one in zip(stimuli.ids, maps, strict=True)}
    assert scores(by_image) == scores({"mine": by_image}) == expected
    assert scores(list(by_image.values())) == expected
    first = fixations.select_images([0])
    one = salmetrics.nss(Stack(maps[0]), stimuli[:1], first)
    assert one == salmetrics.nss(maps[:1], stimuli[:1], first)
    for models in (maps[:3], {"mine": Stack(maps[:3])}):
        with pytest.raises(InputError, match="there are 3 predictions for 4 stimuli"):
            scores(models)
    with pytest.raises(InputError, match=r"images last; give np.moveaxis\(maps, -1, 0\)"):
        scores(np.moveaxis(maps, 0, -1))
    with pytest.raises(InputError, match="must not be masked arrays"):
        scores(np.ma.masked_array(maps, maps > 0.5))


@pytest.mark.slow  # torch is imported
def test_stacks_of_torch(rng):
    torch = pytest.importorskip("torch")
    stimuli, fixations = generate_dataset(4, size=(20, 30), seed=2).dataset
    maps = torch.tensor(rng.random((4, 20, 30)), dtype=torch.float32)
    expected = salmetrics.nss(maps.numpy(), stimuli, fixations)
    for tensor in (maps, maps.clone().requires_grad_(), maps[:, None]):
        assert salmetrics.nss(tensor, stimuli, fixations) == expected
        options = {"metrics": ["NSS"], "kind": "saliency_map", "n_bootstrap": 0}
        for models, name in ((tensor, "model"), ({"mine": tensor}, "mine")):
            result = salmetrics.evaluate(models, stimuli, fixations, progress=False, **options)
            assert result.value(name, "NSS") == expected
    # three digits are left
    short = salmetrics.nss(maps.bfloat16(), stimuli, fixations)
    assert short == pytest.approx(expected, abs=0.02)

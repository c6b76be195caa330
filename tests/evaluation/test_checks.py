"""Plausibility of inputs as evaluation asks for it: errors, warnings, and what travels along."""

import warnings
from functools import partial

import numpy as np
import pytest

import salmetrics
from salmetrics import Fixations, InputError
from salmetrics.datasets import generate_dataset
from salmetrics.errors import InputWarning
from salmetrics.evaluation.checks import check_inputs, findings_of
from salmetrics.fingerprint import fingerprint
from salmetrics.protocols import get_protocol

STIMULI, FIXATIONS = generate_dataset(20, size=(60, 80), seed=1).dataset


def scores(models, fixations=FIXATIONS, **options):
    return salmetrics.evaluate(
        models, STIMULI, fixations, metrics=["AUC"], n_bootstrap=0, progress=False, **options
    )


@pytest.fixture
def fractions():
    return Fixations.from_arrays(
        FIXATIONS.x / 80, FIXATIONS.y / 60, FIXATIONS.image, n_images=len(STIMULI)
    )


def test_what_is_wrong_stops_and_may_be_overruled(fractions):
    with pytest.raises(InputError, match="look like fractions of the image"):
        scores(salmetrics.Uniform(), fractions)
    with pytest.warns(InputWarning, match="fractions"):
        result = scores(salmetrics.Uniform(), fractions, check=False)
    assert "- warning: all" in result.footnotes()


def test_warnings_travel(tmp_path):
    maps = {name: np.full((60, 80), 3.0) for name in STIMULI.ids}
    with pytest.warns(InputWarning, match="16 of 16 maps of mine that were looked at"):
        result = scores({"mine": salmetrics.as_model(maps, kind="saliency_map")})
    assert len(result.provenance["checks"]) == 1
    result.save(tmp_path / "r.h5")
    again = salmetrics.Evaluation.load(tmp_path / "r.h5")
    assert again.provenance["checks"] == result.provenance["checks"]
    other = scores({"flat": salmetrics.Uniform()})
    joined = other.join(again)
    assert joined.provenance["checks"] == result.provenance["checks"]
    assert "constant" in joined.footnotes()


def noted_inputs():
    """Return fixations, a model and ground truth about whose names something was noticed."""
    rng = np.random.default_rng(3)
    maps = {f"{name}_x": rng.random((60, 80)) for name in STIMULI.ids}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)
        model, truth = (salmetrics.as_model(maps, STIMULI, kind="saliency_map") for _ in range(2))
    return Fixations(FIXATIONS.columns, len(STIMULI), notes=["rows"]), model, truth


def test_what_was_noticed_while_reading_is_kept(tmp_path):
    noted, model, truth = noted_inputs()
    rule = "the predictions have '_x' after the name"
    options = {"metrics": ["AUC", "CC"], "n_bootstrap": 0, "progress": False}
    stimuli = STIMULI.named("mine")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it was warned of before
        run = partial(salmetrics.evaluate, {"a": model, "b": model}, stimuli, noted, **options)
        result = run(empirical=truth, checkpoint=tmp_path / "parts")
        resumed = run(empirical=truth, checkpoint=tmp_path / "parts")
        table = salmetrics.benchmark(
            [salmetrics.Dataset("mine", stimuli, noted)], {"a": model}, **options
        )
    said = ["rows", f"a: {rule}", f"b: {rule}", f"the ground truth: {rule}"]
    assert result.provenance["checks"] == resumed.provenance["checks"] == said
    assert table.evaluations["mine"].provenance["checks"] == said[:2]
    assert f"- warning: a: {rule}" in result.footnotes()
    result.save(tmp_path / "r.h5")
    assert salmetrics.Evaluation.load(tmp_path / "r.h5").provenance["checks"] == said
    again = check_inputs(STIMULI, noted, {"a": model})
    assert [(f.level, f.code, f.message) for f in again] == [
        ("warning", "reading", text) for text in said[:2]
    ]


def test_notes_of_references_are_kept_once():
    flat = {f"{name}_x": np.full((60, 80), 1 / 4800) for name in STIMULI.ids}
    with pytest.warns(InputWarning, match="'_x' after the name"):
        model = salmetrics.as_model(flat, STIMULI, kind="density")
    said = "the predictions have '_x' after the name"
    options = {"metrics": ["IG"], "n_bootstrap": 0, "progress": False}
    alone = salmetrics.evaluate(salmetrics.Uniform(), STIMULI, FIXATIONS, baseline=model, **options)
    assert alone.provenance["checks"] == [f"the baseline: {said}"]
    with pytest.warns(InputWarning, match="constant"):
        both = salmetrics.evaluate({"m": model}, STIMULI, FIXATIONS, baseline=model, **options)
    assert [line for line in both.provenance["checks"] if said in line] == [f"m: {said}"]


def test_notes_move_no_digest(tmp_path):
    """A run resumes whether its inputs have notes or not."""
    noted, model, _ = noted_inputs()
    counted = Counted()
    options = {"metrics": ["AUC"], "n_bootstrap": 0, "progress": False, "checkpoint": tmp_path}
    salmetrics.evaluate(counted, STIMULI, noted, **options)
    assert counted.calls == len(STIMULI)
    salmetrics.evaluate(counted, STIMULI, FIXATIONS, **options)
    assert counted.calls == len(STIMULI)
    before = fingerprint(model)
    model._predict.notes = ()
    assert fingerprint(model) == before


class Counted(salmetrics.SaliencyMapModel):
    name = "counted"
    fingerprint = "whatever the count"
    calls = 0

    def saliency_map(self, stimulus):
        self.calls += 1
        return stimulus.rgb.mean(2)


def test_maps_opened_without_images_are_read_before_they_are_looked_at(tmp_path):
    for name in STIMULI.ids:
        path = tmp_path / f"{name}_x.npy"
        np.save(path, np.random.default_rng(len(name)).random((60, 80)))
    with pytest.warns(InputWarning, match="'_x' after the name"):
        findings = check_inputs(STIMULI, None, {"m": salmetrics.StoredMaps(tmp_path)})
    assert findings[0].message == "m: the maps have '_x' after the name"


def test_ordinary_inputs_are_not_odd():
    maps = {n: np.random.default_rng(i).random((60, 80)) for i, n in enumerate(STIMULI.ids)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = scores({"mine": salmetrics.as_model(maps, kind="saliency_map")})
    assert result.provenance["checks"] == []
    assert check_inputs(STIMULI, FIXATIONS, {"mine": maps}) == []


@pytest.mark.parametrize("fixations", [FIXATIONS, None])
def test_ground_truth_is_checked(fixations):
    rng = np.random.default_rng(0)
    masks = {name: (rng.random((60, 80)) < 0.01).astype(float) for name in STIMULI.ids}
    with pytest.warns(InputWarning, match="maps of the ground truth .* look like masks"):
        result = salmetrics.evaluate(
            {"mine": salmetrics.GaussianCentreBias()},
            STIMULI,
            fixations,
            metrics=["CC"],
            empirical=masks,
            n_bootstrap=0,
            progress=False,
        )
    (said,) = result.provenance["checks"]
    assert said.startswith("16 of 16 maps of the ground truth")


def test_models_that_compute_are_not_called():
    def fails(stimulus):
        raise AssertionError("called")

    model = salmetrics.as_model(fails, kind="saliency_map")
    assert findings_of({"slow": model}, STIMULI, FIXATIONS) == []


def test_maps_that_cannot_be_read_are_left_to_scoring():
    maps = {name: np.full((60, 80), 3.0) for name in STIMULI.ids[:1]}
    (finding,) = check_inputs(STIMULI, FIXATIONS, {"mine": maps})
    assert "1 of 1 maps of mine" in finding.message


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((FIXATIONS, STIMULI), "stimuli and fixations are swapped"),
        ((STIMULI, FIXATIONS.to_dataframe()), "must be salmetrics.Fixations; got DataFrame. Make"),
        ((salmetrics.Dataset("a", STIMULI, FIXATIONS), None), "A data set is unpacked"),
    ],
)
def test_other_types(arguments, text):
    for call in (salmetrics.evaluate, salmetrics.nss):
        with pytest.raises(InputError, match=text):
            call(salmetrics.Uniform(), *arguments)
    with pytest.raises(InputError, match=text):
        check_inputs(*arguments)


def test_odd_places_do_not_accuse_maps():
    maps = {n: np.hypot(*np.mgrid[:60, :80]) for n in STIMULI.ids}  # low in the corner
    degrees = Fixations.from_arrays(
        FIXATIONS.x / 30, FIXATIONS.y / 30, FIXATIONS.image, n_images=len(STIMULI)
    )
    codes = [finding.code for finding in check_inputs(STIMULI, degrees, {"mine": maps})]
    assert codes == ["corner", "same-map"]


@pytest.mark.parametrize("by", ["stimuli", "protocol"])
def test_the_width_of_the_blur_is_judged_where_something_is_blurred(by):
    stimuli, fixations = generate_dataset(3, size=(80, 120)).dataset
    model = {"centred": salmetrics.GaussianCentreBias()}

    def scored(width, metrics=("CC",), **options):
        stimuli_of = stimuli.with_scale(sigma=width) if by == "stimuli" else stimuli
        protocol = get_protocol("default").override(metrics=metrics)
        if by == "protocol":
            protocol = protocol.override(sigma=width)
        return salmetrics.evaluate(
            model, stimuli_of, fixations, protocol=protocol, n_bootstrap=0, **options
        )

    with pytest.warns(InputWarning, match="sigma 30 pixels is wider than a quarter"):
        result = scored(30.0)
    assert len(result.provenance["checks"]) == 1
    with pytest.raises(InputError, match="sigma 120 pixels is wider than every image"):
        scored(120.0)
    with pytest.warns(InputWarning, match="wider than every image"):
        scored(120.0, check=False)
    assert scored(120.0, ("LL",)).provenance["checks"] == []
    if by == "stimuli":
        (found,) = check_inputs(stimuli.with_scale(sigma=0.3), fixations)
        assert (found.level, found.code) == ("warning", "width")


def test_large_values_of_half_precision_do_not_overflow():
    stimuli, fixations = generate_dataset(4, size=(40, 60)).dataset
    rng = np.random.default_rng(0)
    maps = [60000 * rng.random((40, 60)).astype(np.float16) for _ in range(4)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = salmetrics.evaluate(maps, stimuli, fixations, metrics=["NSS"], kind="saliency_map")
    exact = [each.astype(np.float64) for each in maps]
    wide = salmetrics.evaluate(exact, stimuli, fixations, metrics=["NSS"], kind="saliency_map")
    # 1e-5: single precision of the maps
    assert result.value("model", "NSS") == pytest.approx(wide.value("model", "NSS"), rel=1e-5)


def test_ground_truth_of_check_inputs():
    rng = np.random.default_rng(0)
    masks = {name: (rng.random((60, 80)) < 0.01).astype(float) for name in STIMULI.ids}
    for fixations in (FIXATIONS, None):
        (finding,) = check_inputs(STIMULI, fixations, empirical=masks)
        assert finding.message.startswith("16 of 16 maps of the ground truth")
    with pytest.raises(InputError, match=r"^empirical=: there are 2 predictions for 20 stimuli"):
        check_inputs(STIMULI, FIXATIONS, empirical=list(masks.values())[:2])


def test_fixations_outside_are_a_finding():
    maps = {name: np.hypot(*np.mgrid[:60, :80]) for name in STIMULI.ids}
    beyond = Fixations.from_arrays(
        FIXATIONS.x + 1, FIXATIONS.y + 40, FIXATIONS.image, n_images=len(STIMULI)
    )
    *_, finding = check_inputs(STIMULI, beyond, {"mine": maps})
    assert (finding.level, finding.code) == ("error", "outside")
    assert "fixations are outside their image; the first is row" in finding.message


def test_positions_upside_down_without_stored_maps():
    stimuli, fixations = generate_dataset(20, seed=4).dataset
    flipped = Fixations.from_arrays(fixations.x, 239 - np.floor(fixations.y), fixations.image)
    (finding,) = check_inputs(stimuli, flipped, {"centre": salmetrics.GaussianCentreBias()})
    assert finding.code == "turned-places"
    maps = {name: np.zeros((240, 320)) for name in stimuli.ids}
    for i, j, name in zip(fixations.y, fixations.x, fixations.image, strict=True):
        maps[stimuli.ids[name]][int(i), int(j)] += 1  # those of the right positions
    codes = [finding.code for finding in check_inputs(stimuli, flipped, {"mine": maps})]
    assert codes.count("orientation") + codes.count("turned-places") == 1


def test_maps_that_are_no_numbers_are_left_to_scoring():
    for dtype in (str, complex):
        maps = dict.fromkeys(STIMULI.ids, np.ones((60, 80)).astype(dtype))
        with pytest.raises(InputError, match="must hold real numbers"):
            scores({"mine": salmetrics.as_model(maps, kind="saliency_map")})


def test_maps_of_the_next_image():
    counts = [
        np.histogramdd(
            (FIXATIONS.of_image(i).y, FIXATIONS.of_image(i).x),
            bins=(60, 80),
            range=((0, 60), (0, 80)),
        )[0]
        for i in range(20)
    ]
    maps = dict(zip(STIMULI.ids, counts[1:] + counts[:1], strict=True))
    codes = [finding.code for finding in check_inputs(STIMULI, FIXATIONS, {"mine": maps})]
    assert "shifted" in codes
    assert "orientation" not in codes


@pytest.mark.real_data
@pytest.mark.slow
def test_published_data(shared):
    """OSIE as it is is not odd; swapped and upside down it is."""
    folder = shared / "data" / "osie"
    if not folder.is_dir():
        pytest.skip("OSIE not found")
    stimuli, fixations = salmetrics.datasets.load("osie", folder, download=False)

    def codes(x, y, n=700):
        moved = Fixations.from_arrays(x, y, fixations.image).clip_to(stimuli)
        found = check_inputs(stimuli[:n], moved.select_images(range(n)))
        return [(finding.level, finding.code) for finding in found]

    assert check_inputs(stimuli, fixations) == []
    assert ("warning", "swapped") in codes(fixations.y, fixations.x)
    assert ("warning", "swapped") in codes(fixations.y, fixations.x, n=5)
    assert codes(fixations.x, 600 - fixations.y) == [("warning", "turned-places")]

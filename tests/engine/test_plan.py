"""Which metrics each model gets, in which pass, and the reason for each that it does not get."""

import pytest

from salmetrics.engine.plan import Plan
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import NO_DENSITY
from salmetrics.protocols import DEFAULT
from tests.engine.scenes import Density, Map, PerSubject

EVERY = tuple(key for key, metric in METRICS.items() if metric.share_of is None)


class LeaveOneOut(Density):
    leave_one_out = True


class WithoutMaps(Density):
    without_maps = "its maps would take a year"


def planned(model, **choices):
    return Plan({"m": model}, DEFAULT.override(**{"metrics": EVERY} | choices))


def missing(plan):
    return {key: why for (_, key), why in plan.reasons.items()}


def test_a_saliency_map_has_all_but_likelihoods():
    plan = planned(Map())
    assert missing(plan) == {"LL": NO_DENSITY, "IG": NO_DENSITY}
    assert plan.metrics("m") == [key for key in EVERY if key not in ("LL", "IG")]
    assert plan.metrics("m", "second") == []
    assert not plan.needs_second_pass("m")


def test_a_density_has_what_has_an_optimal_map_and_shuffled_auc_in_a_second_pass():
    plan = planned(Density())
    without = {"EMD", "AUC-Borji", "sAUC-MATLAB", "SIM-MATLAB", "IG-MATLAB"}
    assert set(missing(plan)) == without
    assert all("no map is known to be optimal" in why for why in missing(plan).values())
    assert plan.metrics("m", "second") == ["sAUC"]
    assert plan.needs_second_pass("m")
    assert plan.metrics("m") == [key for key in EVERY if key not in {*without, "sAUC"}]


def test_a_density_scored_as_it_is_has_everything_in_one_pass():
    plan = planned(Density(), maps="density")
    assert plan.reasons == {}
    assert plan.metrics("m") == list(EVERY)
    assert not plan.needs_second_pass("m")


@pytest.mark.parametrize("maps", ["optimal", "density"])
def test_predictions_per_subject_have_no_metric_per_image(maps):
    plan = planned(PerSubject(), maps=maps)
    lost = {key for key, why in missing(plan).items() if "depend on the subject" in why}
    assert lost == {key for key in EVERY if METRICS[key].per == "image"}
    assert set(missing(plan)) == lost


def test_leaving_one_image_out_has_no_shuffled_auc():
    assert "shows where nobody looked" in missing(planned(LeaveOneOut()))["sAUC"]
    assert "sAUC" not in missing(planned(LeaveOneOut(), maps="density"))


def test_a_model_without_maps_has_likelihoods_only():
    plan = planned(WithoutMaps())
    assert plan.metrics("m") == ["LL", "IG"]
    assert set(missing(plan).values()) == {"its maps would take a year"}


def test_likelihoods_and_maps_apart():
    plan = planned(Density(), metrics=("NSS", "IG", "sAUC", "LL"))
    assert plan.on_likelihoods("m") == ["IG", "LL"]
    assert plan.on_maps("m") == ["NSS"]
    assert plan.on_likelihoods("m", "second") == []
    assert plan.on_maps("m", "second") == ["sAUC"]


def test_parts_of_the_observation_that_a_metric_needs():
    plan = planned(Density(), metrics=("IG", "CC"))
    assert plan.needs("baseline")
    assert plan.needs("empirical_map")
    assert not plan.needs("baseline_map")
    assert not plan.needs("other_negatives")


def test_what_no_model_gets_needs_nothing():
    plan = planned(Map(), metrics=("IG", "CC"))
    assert not plan.needs("baseline")
    assert planned(Map(), metrics=("IG-MATLAB",)).needs("baseline_map")


def test_a_baseline_that_cannot_be_fitted():
    plan = Plan(
        {"map": Map(), "density": Density()},
        DEFAULT.override(metrics=("LL", "IG")),
        no_baseline="one image",
    )
    assert plan.reasons == {
        ("map", "LL"): NO_DENSITY,
        ("map", "IG"): NO_DENSITY,
        ("density", "IG"): "one image",
    }
    assert plan.metrics("density") == ["LL"]


def test_each_model_has_a_plan_of_its_own():
    plan = Plan({"map": Map(), "density": Density()}, DEFAULT.override(metrics=("LL", "sAUC")))
    assert plan.reasons == {("map", "LL"): NO_DENSITY}
    assert plan.metrics("map") == ["sAUC"]
    assert plan.metrics("density") == ["LL"]
    assert plan.metrics("density", "second") == ["sAUC"]

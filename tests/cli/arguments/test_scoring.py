"""Options for scoring and for running."""

import argparse

import pytest

from salmetrics.cli.arguments.scoring import (
    KeyChoices,
    add_kind,
    add_layout,
    add_resize,
    add_resources,
    add_scoring,
    with_metrics,
)
from salmetrics.errors import InputError
from salmetrics.metrics.registry import METRICS
from salmetrics.protocols import DEFAULT


@pytest.fixture
def command():
    return argparse.ArgumentParser(exit_on_error=False)


def test_defaults(command):
    add_scoring(command)
    add_resources(command)
    assert vars(command.parse_args([])) == {
        "resize": None,
        "map_name": None,
        "map_order": None,
        "check": True,
        "fit_density": False,
        "metrics": None,
        "protocol": "default",
        "gold_standard": False,
        "seed": 0,
        "n_jobs": None,
        "n_bootstrap": 1000,
    }


def test_values(command):
    add_scoring(command)
    add_resources(command)
    words = "--metrics NSS CC --protocol mit-matlab --seed 3 --n-jobs -1 --n-bootstrap 0"
    options = command.parse_args(words.split())
    assert options.metrics == ["NSS", "CC"]
    assert (options.protocol, options.seed) == ("mit-matlab", 3)
    assert (options.n_jobs, options.n_bootstrap) == (-1, 0)


@pytest.mark.parametrize(
    "words", [["--protocol", "other"], ["--resize", "cubic"], ["--kind", "saliency_map"]]
)
def test_unknown_choices(command, words):
    group = command.add_argument_group("model")
    if "--protocol" in words:
        add_scoring(command)
    elif "--kind" in words:
        add_kind(group, ("density", "log_density"), "density")
    else:
        add_resize(group)
    with pytest.raises(argparse.ArgumentError, match="invalid choice"):
        command.parse_args(words)


def test_kinds(command):
    add_kind(command.add_argument_group("model"), ("density", "log_density"), "log_density")
    assert command.parse_args([]).kind == "log_density"
    assert command.parse_args(["--kind", "density", "--resize", "nearest"]).resize == "nearest"


def test_layouts(command):
    add_layout(command, "it is saved")
    assert command.parse_args([]).layout is None
    assert command.parse_args(["--layout", "salicon"]).layout == "salicon"
    assert "mit300, salicon; it is saved" in " ".join(command.format_help().split())


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["AUC,NSS"], ["AUC", "NSS"]),
        (["AUC,", "NSS"], ["AUC", "NSS"]),
        (["AUC", ",", "NSS", "AUC"], ["AUC", "NSS"]),
        (["AUC", "--metrics", "CC"], ["AUC", "CC"]),
    ],
)
def test_keys_of_metrics(command, words, keys):
    add_scoring(command)
    assert command.parse_args(["--metrics", *words]).metrics == keys


@pytest.mark.parametrize("words", [[""], [","], [" ", ","]])
def test_no_key_at_all(command, words):
    add_scoring(command)
    with pytest.raises(argparse.ArgumentError, match=r"--metrics: expected at least one key"):
        command.parse_args(["--metrics", *words])


def test_choices_of_keys():
    choices = KeyChoices(["AUC", "CC"])
    assert "AUC" in choices
    assert "CC,AUC" in choices
    assert "CC,NSS" not in choices
    assert 3 not in choices


def test_all_metrics(command):
    add_scoring(command)
    options = command.parse_args(["--metrics", "CC", "NSS"])
    assert with_metrics(options, DEFAULT) == (DEFAULT, ["CC", "NSS"])
    protocol, asked = with_metrics(command.parse_args(["--metrics", "all"]), DEFAULT)
    assert asked is None  # so that a metric may be missing
    assert set(protocol.metrics) == set(METRICS) - {"IGE"}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["all,NOPE"], r"^--metrics must be one of 'all', 'LL', .*; got 'NOPE'$"),
        (["NOPE", "all"], r"got 'NOPE'$"),
        (["ALL"], r"got 'ALL'; did you mean 'all'\?$"),
        (["nss"], r"got 'nss'; did you mean 'NSS'\?$"),
        (["all", "IGE"], r"^IGE needs a gold standard: give --gold-standard, too$"),
    ],
)
def test_keys_that_are_not_computed_are_errors(command, words, text):
    add_scoring(command)
    with pytest.raises(InputError, match=text):
        with_metrics(command.parse_args(["--metrics", *words]), DEFAULT)


def test_all_metrics_beside_single_ones(command):
    add_scoring(command)
    of_all = with_metrics(command.parse_args(["--metrics", "all"]), DEFAULT)
    words = ["--gold-standard", "--metrics", "IGE", "NSS", "all"]
    assert with_metrics(command.parse_args(words), DEFAULT) == of_all

"""Every name in the docs, docstrings and shipped examples is one that the registries have."""

import re
import tomllib
from pathlib import Path

import pytest

from salmetrics.cli.arguments.dataset_spec import option_values
from salmetrics.datasets import names as dataset_names
from salmetrics.metrics.registry import METRICS
from salmetrics.models.registry import names as model_names
from salmetrics.protocols import PROTOCOLS
from salmetrics.results.layouts import LAYOUTS
from salmetrics_models import entry_points
from salmetrics_models.backbones.registry import known_backbones
from salmetrics_models.training.configuration import example, example_names
from salmetrics_models.training.loop.recipe import RECIPES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = [p for own in ("salmetrics", "salmetrics_models") for p in (ROOT / own).rglob("*.py")]
FILES = (".h5", ".npz", ".npy", ".toml", ".csv")

# what follows a word on the command line, in Python or in a TOML file, and is a name
PATTERNS = {
    "dataset": (
        r"--dataset ([a-z][\w.:,=/-]*)",
        r"\bdatasets\.(?:load|info)\(\"([^\"]+)\"",
        r"(?<![\w.])load\(\"([a-z0-9-]+)\"",
        r"^\s*(?:dataset|validation) = \"([^\"]+)\"",
        r"salmetrics datasets (?:info|get|check) ([a-z][\w-]*)",
    ),
    "model": (r"--(?:model|over) ([a-z][\w.:,=/-]*)",),
    "metric": (r"--metric ([A-Za-z-]+)", r"(?<![\w_])metrics=\[([^\]\n]*)\]"),
    "protocol": (
        r"--protocol ([a-z][\w-]+)",
        r"protocol=\"([^\"]+)\"",
        r"get_protocol\(\"([^\"]+)",
    ),
    "layout": (r"--layout ([a-z][\w-]+)", r"get_layout\(\"([^\"]+)"),
    "example": (r"--example ([a-z][\w-]+)",),
    "recipe": (
        r"(?:recipe|encoder|decoder) = \"([^\"]+)\"",
        r"RECIPES\[\"([^\"]+)\"\]",
    ),
    "backbone": (r"backbones = \[([^\]\n]+)\]",),
}


def texts():
    for path in PAGES + SOURCES:
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for name in example_names():
        yield f"example {name}", example(name)


def commands(text):
    """Return the lines that are commands, which may continue on the next line."""
    joined = re.sub(r"\\\n\s*", "", text)
    return "\n".join(re.findall(r"^[ \t]*(?:\$ )?salmetrics [a-z].*", joined, re.MULTILINE))


def occurrences(what):
    """Return where each name occurs, by name."""
    found = {}
    for where, text in texts():
        lines = commands(text)
        for pattern in PATTERNS[what]:
            is_option = pattern.startswith("--")
            for match in re.finditer(pattern, lines if is_option else text, re.MULTILINE):
                is_list = what in ("metric", "backbone")
                for name in re.findall(r"[\w-]+", match[1]) if is_list else [match[1]]:
                    found.setdefault(name.rstrip(".,:"), where)
    return found


def check_dataset(spec):
    first, *options = spec.split(",")
    name = first.partition(":")[0]
    if not first.endswith(FILES):
        assert name in dataset_names()
        option_values(name, options)


def check_model(spec):
    if re.match(r"[\w.-]+=", spec):  # NAME=SPEC
        spec = spec.partition("=")[2]
    name, _, argument = spec.partition(":")
    if spec.endswith(FILES) or "/" in name:
        return
    assert name in {
        *model_names(),
        "truth",
    }  # of the file that `plot` draws, in the docs of figures
    if name.startswith(("deepgaze", "readout", "emlnet")):
        special = {
            "deepgaze2e-acw": entry_points._ACW_OPTIONS,
            "emlnet": entry_points._EMLNET_OPTIONS,
        }
        entry_points._parsed(name, argument, special.get(name, entry_points._OPTIONS))


CHECKS = {
    "dataset": check_dataset,
    "model": check_model,
    "metric": METRICS.__getitem__,
    "protocol": PROTOCOLS.__getitem__,
    "layout": LAYOUTS.__getitem__,
    "example": example,
    "recipe": RECIPES.__getitem__,
    "backbone": known_backbones().__getitem__,
}
FEWEST = {"dataset": 10, "model": 8, "metric": 6, "protocol": 4, "layout": 1, "example": 2}


@pytest.mark.parametrize("what", PATTERNS)
def test_names_are_known(what):
    found = occurrences(what)
    assert len(found) >= FEWEST.get(what, 1)  # the patterns find what they should
    for name, where in found.items():
        try:
            CHECKS[what](name)
        except Exception as error:
            raise AssertionError(f"{where}: there is no {what} {name!r}") from error


@pytest.mark.parametrize("name", example_names())
def test_the_data_sets_of_examples_are_registered(name):
    """With the registry itself: an example is what a stranger starts from."""
    stages = tomllib.loads(example(name))["stages"]
    for stage in stages:
        for key in ("dataset", "validation"):
            if key in stage:
                registered, *options = stage[key].split(",")
                assert registered in dataset_names()
                option_values(registered, options)
        for key in ("recipe", "encoder", "decoder"):
            if isinstance(stage.get(key), str):
                assert stage[key] in RECIPES


def test_unknown_names_are_found():
    for what, name in (("dataset", "cat2000"), ("model", "deepgaze9"), ("metric", "IGX")):
        with pytest.raises((AssertionError, KeyError)):
            CHECKS[what](name)

"""Every module has a test of its own, in the same folder of the tests, and the other way round."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# tests of several modules together
TOGETHER = {
    "test_against_pysaliency.py",
    "test_damaged_files.py",
    "test_dependencies.py",
    "test_docstrings.py",
    "test_import.py",
    "test_layout.py",
    "test_mit_tuebingen.py",
    "test_names.py",
    "test_readme.py",
    "test_wheel.py",
    "test_wrong_input.py",
    "cli/test_main.py",
    "datasets/test_against_pysaliency.py",
    "metrics/test_golden_edge.py",
    "metrics/test_golden_matlab.py",
    "metrics/test_golden_third_party.py",
    "metrics/test_laws.py",
}


def modules():
    for package in ("salmetrics", "salmetrics_models"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if not path.name.startswith("__"):
                yield path.relative_to(ROOT)


def mirror(module):
    """Return where a module's tests are."""
    inside = module if module.parts[0] == "salmetrics_models" else module.relative_to("salmetrics")
    return ROOT / "tests" / inside.with_name(f"test_{module.name}")


@pytest.mark.slow
@pytest.mark.parametrize("module", list(modules()), ids=str)
def test_each_module_has_its_tests(module):
    assert mirror(module).is_file(), f"{module} has no {mirror(module).relative_to(ROOT)}"


def test_each_file_of_tests_has_its_module():
    mirrors = {mirror(module) for module in modules()}
    together = {ROOT / "tests" / name for name in TOGETHER}
    assert sorted(set((ROOT / "tests").rglob("test_*.py")) - mirrors - together) == []


def test_what_is_together_exists():
    assert [name for name in sorted(TOGETHER) if not (ROOT / "tests" / name).is_file()] == []

"""Every import at run time is of a package that pyproject.toml requires; it requires no other."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest

from salmetrics_models.backbones.registry import known_backbones

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OWN = {"salmetrics", "salmetrics_models"}
MODULE_OF = {"pillow": "PIL", "pot": "ot", "scikit-learn": "sklearn"}
# extras that are not imported: tools of developers, and what joblib imports for its users
OTHER_EXTRAS = {"test", "docs", "cluster"}


def modules_of(requirements):
    """Return the names by which required distributions are imported."""
    found = set()
    for text in requirements:
        name = text.partition(";")[0].rstrip()
        for sign in "<>=!~ ":
            name = name.partition(sign)[0]
        distribution, _, extras = name.rstrip("]").partition("[")
        if distribution == "salmetrics":
            for extra in extras.split(","):
                found |= modules_of(PROJECT["optional-dependencies"][extra])
        else:
            found.add(MODULE_OF.get(distribution.lower(), distribution))
    return found


REQUIRED = modules_of(PROJECT["dependencies"])
EXTRAS = {
    extra: modules_of(requirements)
    for extra, requirements in PROJECT["optional-dependencies"].items()
    if extra not in OTHER_EXTRAS
}


def imports(tree, inside=False):
    """Yield the line of each import, its package, and whether a function imports it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0], inside
                if alias.name == "torch.utils.tensorboard":
                    yield node.lineno, "tensorboard", inside
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.partition(".")[0], inside
            if node.module == "torch.utils.tensorboard":
                yield node.lineno, "tensorboard", inside
        else:
            yield from imports(node, inside or isinstance(node, ast.FunctionDef))


def all_imports():
    for package in sorted(OWN):
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for line, module, inside in imports(tree):
                if module not in OWN and module not in sys.stdlib_module_names:
                    yield package, f"{path.relative_to(ROOT)}:{line}", module, inside


IMPORTS = list(all_imports())


def test_modules_import_what_their_package_requires():
    allowed = {"salmetrics": REQUIRED, "salmetrics_models": REQUIRED | EXTRAS["models"]}
    wrong = [
        f"{where} imports {module}"
        for package, where, module, inside in IMPORTS
        if not inside and module not in allowed[package]
    ]
    assert wrong == []


def test_functions_import_what_an_extra_has():
    known = REQUIRED.union(*EXTRAS.values())
    wrong = [f"{where} imports {module}" for _, where, module, _ in IMPORTS if module not in known]
    assert wrong == []


def test_nothing_is_required_that_is_not_imported():
    imported = {module for _, _, module, _ in IMPORTS}
    # files in these are read
    packaged = [backbone.packaged for backbone in known_backbones().values() if backbone.packaged]
    imported |= {weights.package.replace("_", "-") for weights in packaged}
    assert sorted(REQUIRED - imported) == []
    assert {extra: sorted(modules - imported) for extra, modules in EXTRAS.items()} == {
        extra: [] for extra in EXTRAS
    }


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_error_names_the_extra(extra):
    texts = [path.read_text(encoding="utf-8") for own in OWN for path in (ROOT / own).rglob("*.py")]
    assert any(
        f"install 'salmetrics[{extra}]'" in t or f"install salmetrics[{extra}]" in t for t in texts
    )

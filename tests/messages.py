"""Messages of errors, found in the source of the package."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import salmetrics

_RAISED = ("InputError", "NeedsDensityError", "warn")


def messages() -> Iterator[str]:
    """Yield the texts of errors and warnings outside the command line; values become {}."""
    root = Path(salmetrics.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if "cli" in path.relative_to(root).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in _RAISED:
                    yield "".join(_texts(node.args[0]))


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.FormattedValue):
        yield "{}"
    else:
        for child in ast.iter_child_nodes(node):
            yield from _texts(child)


def python_arguments() -> Iterator[str]:
    """Yield the arguments that messages name as ``name=``."""
    for text in messages():
        yield from re.findall(r"(?<![\w,:/\\.=-])([a-z_]{2,})=(?!=)", text)

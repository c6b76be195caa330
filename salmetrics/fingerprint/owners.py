"""Who a module belongs to: Python, an installed distribution, or the user."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from functools import cache
from importlib.metadata import Distribution
from pathlib import Path

__all__ = ["PYTHON", "owner_of"]

PYTHON = "Python"

_METADATA = ("*.dist-info", "*.egg-info", "EGG-INFO")
_THIRD_PARTY = ("site-packages", "dist-packages")


def owner_of(module: str | None) -> str | None:
    """Return who a module belongs to.

    Parameters
    ----------
    module
        Full name of a module.

    Returns
    -------
    owner : str or None
        `PYTHON`, name and version of the installed distribution that holds the module's file, or
        None for modules of the user. An editable installation is the user's.

    Examples
    --------
    >>> owner_of("json.decoder"), owner_of("__main__")
    ('Python', None)
    """
    if not isinstance(module, str) or module.partition(".")[0] in ("__main__", "__mp_main__"):
        return None
    return _owner(module, _file_of(module))


def _file_of(module: str) -> str | None:
    """Return the file of a module or, for one that has none, of the package around it."""
    while module:
        # modules that are made while a program runs may name files that do not exist
        path = getattr(sys.modules.get(module), "__file__", None)
        if isinstance(path, str) and os.path.isabs(path):
            return path
        module = module.rpartition(".")[0]
    return None


@cache
def _owner(module: str, file: str | None) -> str | None:
    package = module.partition(".")[0]
    if file is None:
        known = sys.stdlib_module_names.union(sys.builtin_module_names)
        return PYTHON if package in known else None
    path = Path(os.path.abspath(file))
    if package in sys.stdlib_module_names and _is_of_python(path):
        return PYTHON
    for folder in path.parents:
        for found, version, held, names in _distributions(folder):
            inside = path.relative_to(folder)
            top = inside.parts[0].partition(".")[0]
            if top in names if held is None else inside.as_posix() in held:
                return f"{found} {version}"
    return None


def _is_of_python(path: Path) -> bool:
    real = Path(os.path.realpath(path))
    for folder in _folders_of_python():
        if real.is_relative_to(folder):
            return real.relative_to(folder).parts[0] not in _THIRD_PARTY
    return False


@cache
def _folders_of_python() -> tuple[str, ...]:
    folders = [sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib")]
    folders += [os.path.dirname(os.__file__), os.path.join(sys.base_prefix, "DLLs")]
    return tuple(os.path.realpath(folder) for folder in folders)


@cache
def _distributions(folder: Path) -> list[tuple[str, str, frozenset[str] | None, frozenset[str]]]:
    """Return name, version, files and top-level names of the distributions in a folder.

    Files are None where the distribution does not list them, as those of Debian.
    """
    found = []
    for pattern in _METADATA:
        for path in sorted(folder.glob(pattern)):
            # beside the code of an editable installation lies one without a version
            if path.suffix == ".egg-info" and "-" not in path.stem:
                continue
            distribution = Distribution.at(path)
            name = distribution.metadata["Name"]
            if name is None:  # what an interrupted removal left
                continue
            version = distribution.metadata["Version"] or "of unknown version"
            listed = (distribution.read_text("top_level.txt") or "").split()
            names = listed or [re.sub(r"[-.]+", "_", name), re.sub(r"[-.]+", "_", name).lower()]
            found.append((name, version, _listed_files(distribution), frozenset(names)))
    return found


def _listed_files(distribution: Distribution) -> frozenset[str] | None:
    record = distribution.read_text("RECORD")
    if record is None:
        return None
    # path, digest and size of each file; paths with commas are quoted
    rows = re.findall(r'^(?:"([^"]*)"|([^,\n]*)),', record, re.MULTILINE)
    return frozenset(quoted or plain for quoted, plain in rows)

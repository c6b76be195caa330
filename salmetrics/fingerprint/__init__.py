"""Digests of models and data, which tell whether a stored result belongs to them."""

from salmetrics.fingerprint.aside import Aside
from salmetrics.fingerprint.digests import class_path, fingerprint

__all__ = ["Aside", "class_path", "fingerprint"]

"""Digests of models and data, which tell whether a stored result belongs to them."""

from salmetrics.fingerprint.digests import Aside, class_path, fingerprint

__all__ = ["Aside", "class_path", "fingerprint"]

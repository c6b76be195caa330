"""Attributes that digests leave out."""

from salmetrics.fingerprint import Aside, fingerprint


def test_asides_do_not_count():
    class Noted:
        notes: Aside[tuple[str, ...]] = Aside((), "What was noticed.")

    noted, other = Noted(), Noted()
    before = fingerprint(noted)
    noted.notes = ("something",)
    assert (noted.notes, other.notes) == (("something",), ())
    assert fingerprint(noted) == fingerprint(other) == before
    assert Noted.notes.__doc__ == "What was noticed."

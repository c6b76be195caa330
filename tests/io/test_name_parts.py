"""Parts of names, numbers in them, and junk."""

import pytest

from salmetrics.io.name_parts import as_name, is_junk, natural_key, number_at_end, two_orders


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.png",
        "a/._b.png",
        "__MACOSX/a.png",
        "@eaDir/a.png",
        "x/.ipynb_checkpoints/a.png",
        "$RECYCLE.BIN/a.png",
        "a\\.git\\b.png",
    ],
)
def test_junk(name):
    assert is_junk(name)


@pytest.mark.parametrize("name", ["a.png", "a.b/c.png", "MACOSX/a.png"])
def test_no_junk(name):
    assert not is_junk(name)


def test_numbers():
    assert number_at_end("COCO_val_000042") == 42
    assert number_at_end("cat") is None
    assert sorted(["i10", "i2", "I1"], key=natural_key) == ["I1", "i2", "i10"]


def test_parts():
    assert as_name("C:\\stim\\./001.png").parts == ("stim", "001")
    assert as_name("a/I.JPG").folded == ("a", "i")
    assert as_name("").parts == ("",)


def test_orders_that_may_be_meant():
    assert two_orders(["i1", "i10", "i2"]) == ("i1, i10, i2 ...", "i1, i2, i10 ...")
    assert two_orders(["i1", "i2", "i10"]) is None
    assert two_orders(["i10", "i1", "i2"]) is None  # not sorted: their order is meant

"""Stacks of maps."""

import pytest

from salmetrics import InputError
from salmetrics.io.map_stacks import other_axis, sole_stack, stack_shape


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((8, 60, 80), (8, (60, 80))),
        ((8, 60, 80, 1), (8, (60, 80))),
        ((8, 60, 80, 3), (8, (60, 80))),
        ((8, 1, 60, 80), (8, (60, 80))),
        ((1, 60, 80), (1, (60, 80))),
        ((60, 80), None),
        ((60,), None),
        ((), None),
        ((8, 0, 80), None),
        ((8, 60, 80, 4), None),
    ],
)
def test_shapes(shape, found):
    assert stack_shape(shape) == found


def test_one_stack_of_a_file():
    stack, table = (8, 60, 80), (8, 2)
    assert sole_stack({"maps": stack}, "x.h5") == "maps"
    assert sole_stack({"maps": stack, "sizes": table, "ids": (8,), "n": ()}, "x.h5") == "maps"
    assert sole_stack({"maps": (60, 80)}, "x.h5") is None
    assert sole_stack({"maps": stack, "mean": (60, 80)}, "x.h5") is None
    assert sole_stack({"a": (1, 60, 80), "b": (60, 80, 3)}, "x.h5") is None
    assert sole_stack({}, "x.h5") is None
    with pytest.raises(InputError, match=r"holds 2 arrays of several maps each: 'a', 'b'.* x.h5:a"):
        sole_stack({"a": stack, "b": stack}, "x.h5")


def test_advice_on_axes():
    assert "looks like (height, width, n)" in other_axis((60, 80, 8), 8, 0)
    assert other_axis((60, 80, 8), 8, 0).endswith("save numpy.moveaxis(maps, -1, 0)")
    assert other_axis((8, 60, 80), 8, -1).endswith("save numpy.moveaxis(maps, 0, -1)")
    for shape in [(8, 60, 80), (60, 80), (60, 80, 8, 1)]:
        assert other_axis(shape, 8, 0) == ""

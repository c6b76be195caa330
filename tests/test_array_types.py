import numpy as np

from salmetrics import array_types


def test_what_the_names_stand_for():
    assert array_types.Array.__args__[1].__args__ == (np.float64,)
    assert array_types.Rows.__args__[1].__args__ == (np.int64,)
    assert array_types.Size == tuple[int, int]

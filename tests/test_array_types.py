"""Names of types, and arrays of other packages as those of NumPy."""

import numpy as np
import pytest

from salmetrics import array_types
from salmetrics.array_types import is_array, is_tensor, to_numpy


class Tensor:
    """What of torch is used, by which tensors that require gradients are refused otherwise."""

    def __init__(self, array, dtype="torch.float32"):
        self.array, self.dtype = np.asarray(array), dtype

    def detach(self):
        return self

    cpu = detach

    def float(self):
        return Tensor(self.array)

    def numpy(self):
        if self.dtype == "torch.bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.array

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


class Other:
    """An array of another package."""

    def __array__(self, dtype=None, copy=None):
        return np.ones((2, 3), dtype)


def test_what_the_names_stand_for():
    assert array_types.Array.__args__[1].__args__ == (np.float64,)
    assert array_types.Rows.__args__[1].__args__ == (np.int64,)
    assert array_types.Size == tuple[int, int]


def test_what_is_an_array():
    assert all(is_array(each) for each in (np.ones(2), np.float64(1), Tensor([1]), Other()))
    for each in ([1, 2], (1,), "x", None, {}, Tensor, np.ndarray, np, lambda: 0):
        assert not is_array(each)
    assert is_tensor(Tensor([1]))
    assert not is_tensor(Other())


def test_arrays_of_other_packages():
    array = np.ones((2, 3), np.float32)
    assert to_numpy(array) is array
    assert to_numpy(Other()).shape == (2, 3)
    assert to_numpy([[1, 2]]).tolist() == [[1, 2]]
    assert to_numpy(Tensor([1, 2])).tolist() == [1, 2]
    assert to_numpy(Tensor([0.5], "torch.bfloat16")).tolist() == [0.5]
    assert to_numpy([Tensor([1, 2]), Tensor([3, 4])]).tolist() == [[1, 2], [3, 4]]


@pytest.mark.slow  # torch is imported
def test_real_tensors():
    torch = pytest.importorskip("torch")
    values = torch.ones(2, 3, dtype=torch.bfloat16, requires_grad=True)
    assert to_numpy(values).dtype == np.float32
    assert is_tensor(values)
    assert not is_array(torch)
    assert not is_array(torch.Tensor)

"""One list of cases for kernels as compiled and as plain Python."""

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from salmetrics.kernels import blur, kde, log_linear, moments, overlap, quantile, rank, saccades


def kernels():
    """Return (module, name, dispatcher) of every kernel."""
    return [
        (module, name, value)
        for module in (blur, kde, log_linear, moments, overlap, quantile, rank, saccades)
        for name, value in vars(module).items()
        if isinstance(value, Dispatcher)
    ]


@pytest.fixture
def all_kernels():
    return kernels()


@pytest.fixture(params=["compiled", "plain"])
def mode(request, monkeypatch):
    """Run the test with the compiled kernels, then with the same functions as plain Python."""
    if request.param == "compiled":
        yield request.param
        return
    for module, name, dispatcher in kernels():
        monkeypatch.setattr(module, name, dispatcher.py_func)
    with np.errstate(all="ignore"):  # compiled code doesn't report overflow either
        yield request.param

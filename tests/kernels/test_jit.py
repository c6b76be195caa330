"""The decorator, the inputs of kernels, and who calls them."""

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import numpy as np
import pytest

from salmetrics.densities.smoothing import Smoothing
from salmetrics.kernels import blur, jit, moments, overlap, rank
from salmetrics.kernels.jit import kernel_input
from salmetrics.metrics import auc, cc, kldiv, nss, sim

TWO_KERNELS = """
from jit import kernel

@kernel()
def double(x):
    return 2 * x

@kernel(fast_sums=True)
def ratio(a, b):
    return a / b
"""


def run_two_kernels(folder, **environment):
    """Import two kernels in a fresh process from `folder`; what it prints."""
    shutil.copy(jit.__file__, folder / "jit.py")
    (folder / "two.py").write_text(TWO_KERNELS)
    command = "import two; print(two.double(21), two.ratio(1.0, 0.0), two.ratio(0.0, 0.0))"
    return subprocess.run(
        [sys.executable, "-W", "always::RuntimeWarning", "-c", command],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.slow
def test_without_a_writable_folder_kernels_warn_once_and_work(tmp_path):
    (tmp_path / "__pycache__").touch()  # a file: no folder can be made here, not even by root
    nowhere = str(tmp_path / "__pycache__" / "home")
    places = ("HOME", "LOCALAPPDATA", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME")
    result = run_two_kernels(tmp_path, **dict.fromkeys(places, nowhere))
    assert result.stdout.split() == ["42", "inf", "nan"]
    assert result.stderr.count("RuntimeWarning") == 1
    assert "compiled functions are not cached" in result.stderr
    assert "set NUMBA_CACHE_DIR to a writable folder" in result.stderr


@pytest.mark.slow
def test_kernels_are_cached_on_disk(tmp_path):
    result = run_two_kernels(tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert result.stdout.split() == ["42", "inf", "nan"]
    assert result.stderr == ""
    assert {path.name.split("-")[0] for path in (tmp_path / "cache").rglob("*.nbi")} == {
        "two.double",
        "two.ratio",
    }


def test_every_kernel_frees_the_gil_and_keeps_nan(all_kernels):
    assert len(all_kernels) >= 15
    for _, name, dispatcher in all_kernels:
        options = dispatcher.targetoptions
        assert options["nogil"], name
        assert options["error_model"] == "numpy", name
        assert not options.get("parallel", False), name
        assert set(options["fastmath"] or ()) <= {"reassoc", "contract", "nsz"}, name


MATRIX = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (MATRIX, np.float64),
        (MATRIX.astype(np.float32), np.float32),
        (MATRIX.astype(np.uint8), np.uint8),
        (MATRIX.astype(np.int8), np.float32),
        (MATRIX.astype(np.uint16), np.float32),
        (MATRIX.astype(np.float16), np.float32),
        (MATRIX > 3, np.float32),
        (MATRIX.astype(np.int32), np.float64),
        (MATRIX.astype(np.int64), np.float64),
        (MATRIX.astype(np.longdouble), np.float64),
        (MATRIX.astype(">f8"), np.float64),
        (MATRIX.astype(">f4"), np.float32),
        (MATRIX.astype(">i2"), np.float64),
        (MATRIX.T, np.float64),
        (MATRIX[:, ::2], np.float64),
        (MATRIX[::-1, ::-1], np.float64),
        (np.frombuffer(b"\0" + MATRIX.tobytes(), np.float64, offset=1), np.float64),  # unaligned
        (MATRIX.tolist(), np.float64),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_kernel_input_keeps_the_values(array, dtype):
    result = kernel_input(array)
    np.testing.assert_array_equal(result, array)
    assert result.dtype == dtype
    assert result.dtype.isnative
    assert result.flags.c_contiguous
    assert result.flags.aligned
    assert not result.flags.writeable


def test_kernel_input_copies_only_if_it_must():
    writable = MATRIX.copy()
    assert np.shares_memory(kernel_input(writable), writable)
    assert writable.flags.writeable
    assert kernel_input(writable, np.float32).dtype == np.float32
    assert not np.shares_memory(kernel_input(writable, np.float32), writable)


RNG = np.random.default_rng(7)
MAP, OTHER = RNG.random((2, 40, 50))
X, Y = RNG.integers(0, 50, 20), RNG.integers(0, 40, 20)
PIXELS = Y * 50 + X

CALLS = {
    "auc": (lambda: auc.score(MAP, X, Y), rank, ["_count_slots"]),
    "auc of bytes": (
        lambda: auc.score((255 * MAP).astype(np.uint8), X, Y),
        rank,
        ["_histogram_bytes"],
    ),
    "auc, one fixation": (lambda: auc.score(MAP, [3], [2]), rank, ["_count_below_directly"]),
    "shuffled auc": (
        lambda: auc.score(MAP, X, Y, negatives=(Y, X[::-1] % 40)),
        rank,
        ["_count_slots_weighted"],
    ),
    "auc judd": (lambda: auc.judd(MAP, X, Y), rank, ["_count_slots"]),
    "auc borji": (lambda: auc.borji(MAP, X, Y), rank, ["_count_steps"]),
    "nss": (lambda: nss.score(MAP, X, Y), moments, ["extremes_and_total", "squares_about"]),
    "cc": (lambda: cc.score(MAP, OTHER), moments, ["extremes_and_total", "pair_moments"]),
    "kldiv": (
        lambda: kldiv.score(MAP, OTHER),
        overlap,
        ["regularised_ratio", "weighted_sum"],
    ),
    "sim": (lambda: sim.score(MAP, OTHER), overlap, ["sum_of_minima"]),
    "empirical map": (
        lambda: Smoothing(sigma=3.0).points(MAP.shape, PIXELS),
        blur,
        ["_add_kernels"],
    ),
    "blurred density": (
        lambda: Smoothing(sigma=3.0).dense(MAP),
        blur,
        ["_blur_rows", "_blur_columns"],
    ),
}


@pytest.mark.parametrize(("call", "module", "names"), CALLS.values(), ids=CALLS)
def test_default_path_is_the_compiled_one(call, module, names, monkeypatch):
    fallback = "_count_below_weighted_sorted"
    monkeypatch.setattr(rank, fallback, Mock(side_effect=AssertionError(fallback)))
    sorts = Mock(wraps=rank.count_below_by_sorting)  # right for the fixations, not for the map
    monkeypatch.setattr(rank, "count_below_by_sorting", sorts)
    dispatchers = [getattr(module, name) for name in names]
    spies = [Mock(wraps=dispatcher) for dispatcher in dispatchers]
    for name, spy in zip(names, spies, strict=True):
        monkeypatch.setattr(module, name, spy)
    call()
    for dispatcher, spy in zip(dispatchers, spies, strict=True):
        spy.assert_called()
        assert dispatcher.signatures  # a machine-code version for what it was called with
    assert all(values.size < MAP.size for (values, _), _ in sorts.call_args_list)


@pytest.mark.parametrize("call", [call for call, *_ in CALLS.values()], ids=CALLS)
def test_many_threads_agree_with_one(call):
    alone = call()
    barrier = threading.Barrier(8)

    def together(_):
        barrier.wait()
        return [call() for _ in range(5)]

    with ThreadPoolExecutor(8) as pool:
        for results in pool.map(together, range(8)):
            for result in results:
                np.testing.assert_array_equal(result, alone)

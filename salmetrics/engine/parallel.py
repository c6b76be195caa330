"""Work on images in one thread, several threads, processes or a cluster, with equal results.

joblib decides where it runs: `n_jobs`, or a surrounding `joblib.parallel_config`.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

__all__ = ["one_thread_each", "shares_memory", "work"]

Item = TypeVar("Item")
Product = TypeVar("Product")
Result = TypeVar("Result")

_TASKS_PER_WORKER = 8  # in processes: few enough that copying the models costs little


def work(
    items: Sequence[Item],
    make: Callable[[Sequence[Item]], Iterator[Product]],
    finish: Callable[[Product], Result],
    hold: Callable[[Product], Product],
    n_jobs: int | None = None,
) -> Iterator[Result]:
    """Yield finish(product) for every product that make(items) yields, in order.

    In one process, `make` runs in one thread and `finish` in `n_jobs` others, with few products
    waiting in between. In several processes, each has copies of both and works on runs of items.
    All use one BLAS and one torch thread each: other numbers of threads change the last bits.

    Parameters
    ----------
    items
        Indices of images, for example.
    make
        Function that calls the models; yields one product per item, in order.
    finish
        Function that turns a product into a result; it may be called from several threads.
    hold
        Function that protects a waiting product from what `make` does next, by a copy.
    n_jobs
        Number of workers, as in joblib: None is 1, or what `joblib.parallel_config` says; -1 is
        all cores.
    """
    import joblib

    workers = joblib.effective_n_jobs(n_jobs)
    with one_thread_each():
        if not shares_memory():
            runs = _runs(items, _TASKS_PER_WORKER * workers)
            parallel = joblib.Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
            tasks = (joblib.delayed(_do_run)(make, finish, run) for run in runs)
            for results in parallel(tasks):
                yield from results
        elif workers == 1:
            yield from map(finish, make(items))
        else:
            parallel = joblib.Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
            with _produced(map(hold, make(items)), 2 * workers) as produced:
                yield from parallel(joblib.delayed(finish)(product) for product in produced)


def shares_memory() -> bool:
    """Whether all workers are in this process; not so under `joblib.parallel_config("loky")`."""
    from joblib.parallel import get_active_backend

    backend, _ = get_active_backend(prefer="threads")
    return bool(getattr(backend, "supports_sharedmem", False))


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Limit BLAS, and torch if it is loaded, to one thread."""
    from threadpoolctl import threadpool_limits

    torch: Any = sys.modules.get("torch")
    threads = None if torch is None else torch.get_num_threads()
    with threadpool_limits(1, "blas"):
        try:
            if threads is not None:
                torch.set_num_threads(1)
            yield
        finally:
            if threads is not None:
                torch.set_num_threads(threads)


def _do_run(
    make: Callable[[Sequence[Item]], Iterator[Product]],
    finish: Callable[[Product], Result],
    run: Sequence[Item],
) -> list[Result]:
    with one_thread_each():
        return [finish(product) for product in make(run)]


def _runs(items: Sequence[Item], n: int) -> list[Sequence[Item]]:
    """Split items into at most n runs of neighbours."""
    length = max(1, -(-len(items) // n))
    return [items[start : start + length] for start in range(0, len(items), length)]


@contextmanager
def _produced(source: Iterable[Product], n_waiting: int) -> Iterator[Iterator[Product]]:
    """Iterate over a source in a thread of its own, at most `n_waiting` products ahead."""
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(n_waiting)
    stop = threading.Event()

    def put(entry: tuple[str, Any]) -> bool:
        while not stop.is_set():
            try:
                waiting.put(entry, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def produce() -> None:
        try:
            for product in source:
                if not put(("product", product)):
                    return
        except BaseException as error:
            put(("error", error))
        else:
            put(("end", None))

    def consume() -> Iterator[Product]:
        while True:
            try:
                kind, value = waiting.get(timeout=0.1)
            except queue.Empty:
                if stop.is_set():  # the results are no longer needed
                    return
                continue
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value

    thread = threading.Thread(target=produce, name="salmetrics-models", daemon=True)
    thread.start()
    try:
        yield consume()
    finally:
        stop.set()
        thread.join()

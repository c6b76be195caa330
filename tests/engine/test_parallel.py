"""The same bits wherever the work is done; models are called from one thread."""

import threading
import time

import joblib
import numpy as np
import pytest
from scored_models import Blurred, Pixels, pictures

import salmetrics
from salmetrics import InputError
from salmetrics.engine.parallel import one_thread_each, work

METRICS = ["LL", "IG", "AUC", "sAUC", "NSS", "CC", "KLDiv", "sAUC-MATLAB"]
BASELINE = salmetrics.GaussianCentreBias(0.4)


@pytest.fixture(scope="module")
def data():
    return pictures(36)


@pytest.fixture(scope="module")
def models(data):
    return {"blurred": Blurred(), "map": Pixels(), "centre": salmetrics.CentreBias(*data)}


@pytest.fixture(scope="module")
def alone(data, models):
    return scored(data, models)


def scored(data, models, **options):
    # the baseline is given: fitting one takes longer than scoring
    options = {"baseline": BASELINE, "metrics": METRICS, "n_bootstrap": 50} | options
    options |= {"progress": False}
    return salmetrics.evaluate(models, *data, **options)


def assert_same(found, expected):
    assert found.per_fixation.equals(expected.per_fixation)
    assert found.per_image.equals(expected.per_image)
    assert found.summary.equals(expected.summary)


@pytest.mark.parametrize("n_jobs", [1, 2, 5])
def test_threads(data, models, alone, n_jobs):
    assert_same(scored(data, models, n_jobs=n_jobs), alone)


@pytest.mark.slow
def test_loky(data, models, alone):
    with joblib.parallel_config("loky", n_jobs=2):
        assert_same(scored(data, models), alone)


@pytest.mark.slow
def test_dask(data, models, alone):
    distributed = pytest.importorskip("distributed", reason="needs salmetrics[cluster]")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
        assert_same(scored(data, models), alone)


def test_predictions_that_are_not_kept_are_made_again(data, models, alone):
    again = scored(data, models, spill_bytes=0)
    assert_same(again, alone)
    some = scored(data, models, spill_bytes=4 * int(np.prod(data.stimuli.sizes[0])) * 10)
    assert_same(some, alone)
    n = len(data)
    assert alone.n_predictions == 3 * n  # blurred, map, centre; the second pass reads them back
    assert some.n_predictions == 3 * n + n - 10
    assert again.n_predictions == 4 * n


@pytest.mark.slow
def test_sums_alone_give_the_same_numbers(data, models, alone):
    for average in ("fixation", "image", "subject"):
        protocol = salmetrics.get_protocol("default").override(average=average)
        full = scored(data, models, protocol=protocol)
        sums = scored(data, models, protocol=protocol, keep="image")
        assert sums.summary.equals(full.summary)
        assert sums.per_image.equals(full.per_image)
        with pytest.raises(InputError, match="single fixations were not kept"):
            sums.per_fixation  # noqa: B018


def test_models_are_called_from_one_thread_at_a_time(data):
    threads, inside = set(), threading.Semaphore(1)

    class Watched(Pixels):
        def saliency_map(self, stimulus):
            assert inside.acquire(blocking=False)
            threads.add(threading.current_thread().name)
            time.sleep(0.001)
            inside.release()
            return super().saliency_map(stimulus)

    scored(data, {"a": Watched(), "b": Watched()}, metrics=["NSS"], n_jobs=4)
    assert threads == {"salmetrics-models"}


def test_few_predictions_wait(data):
    made, done, most = [], [], []

    def make(items):
        for item in items:
            made.append(item)
            most.append(len(made) - len(done))
            yield item

    def finish(item):
        time.sleep(0.002)
        done.append(item)
        return item

    assert list(work(list(range(60)), make, finish, int, n_jobs=2)) == list(range(60))
    assert max(most) <= 16


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_errors_come_through_with_a_note(data, n_jobs):
    class Failing(Pixels):
        def saliency_map(self, stimulus):
            if stimulus.id == "7":
                raise RuntimeError("no such luck")
            return super().saliency_map(stimulus)

    with pytest.raises(RuntimeError, match="no such luck") as caught:
        scored(data, {"bad": Failing()}, n_jobs=n_jobs)
    assert caught.value.__notes__ == ["while bad predicted image '7'"]
    assert not [t for t in threading.enumerate() if t.name == "salmetrics-models"]


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_errors_are_recorded(data, models, alone, n_jobs):
    class Failing(Pixels):
        def saliency_maps(self, stimuli):
            for stimulus in stimuli:
                if stimulus.id == "7":
                    raise RuntimeError("no such luck")
                array = self.saliency_map(stimulus)
                yield array * np.nan if stimulus.id == "9" else array

    both = {"bad": Failing(), "map": Pixels()}
    result = scored(data, both, on_error="record", n_jobs=n_jobs, metrics=["NSS", "CC"])
    assert result.errors[["model", "image"]].to_numpy().tolist() == [["bad", "7"], ["bad", "9"]]
    assert result.errors.error[0] == "RuntimeError: no such luck"
    assert "must be finite" in result.errors.error[1]
    assert "2 predictions failed" in result.footnotes()
    n_images = result.summary.n_images.unstack()
    assert n_images.loc["bad"].tolist() == [34, 34]
    assert n_images.loc["map"].tolist() == [36, 36]
    bad, good = (result.per_image[name].drop(["7", "9"]) for name in ("bad", "map"))
    assert bad.equals(good)
    assert result.compare("bad", "map", metric="CC").n_images.tolist() == [34]


def test_a_density_that_fails_is_left_out_of_the_mean(data):
    class Failing(Blurred):
        def log_density(self, stimulus, *, subject=None):
            if stimulus.id == "3":
                raise RuntimeError("no such luck")
            return super().log_density(stimulus)

    found = scored(data, {"m": Failing()}, on_error="record", metrics=["sAUC"])
    assert found.summary.n_images.tolist() == [35]
    assert np.isfinite(found.value("m", "sAUC"))


def test_torch_gets_one_thread_and_its_own_back(monkeypatch):
    class Torch:
        threads = 6

        def get_num_threads(self):
            return self.threads

        def set_num_threads(self, n):
            self.threads = n

    torch = Torch()
    monkeypatch.setitem(__import__("sys").modules, "torch", torch)
    with one_thread_each():
        assert torch.threads == 1
    assert torch.threads == 6

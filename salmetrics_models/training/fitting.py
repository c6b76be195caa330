"""One readout trained on some images and stopped on others; it goes on after an interruption."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from salmetrics.errors import InputError, check_choice, is_number, some
from salmetrics_models import accumulators
from salmetrics_models.checkpoints import write_state
from salmetrics_models.heads import Head
from salmetrics_models.losses import negative_log_likelihood
from salmetrics_models.training.logs import add_row, board_of, write_rows
from salmetrics_models.training.recipes import Recipe
from salmetrics_models.training.samples import Batch, Samples
from salmetrics_models.training.states import check_conditions, read_state

__all__ = ["METRICS", "Fitted", "Settings", "check_folder", "finished_fit", "fit_head"]

METRICS = ("NSS", "AUC")
_OF_DIGITS = ("device", "n_threads", "torch")  # conditions that move the last digits only
_LEAST_SIGMA, _MOST_SIGMA = 0.2, 200.0  # pixels of the map: blurs that matrices can hold


@dataclass(frozen=True)
class Settings:
    """What does not belong to the recipe.

    Attributes
    ----------
    device
        For the readout.
    dtype
        Of its numbers.
    metrics
        Of `METRICS`, that are followed on the validation images besides LL and IG.
    save_seconds
        How often the state is written within an epoch; it always is after one.
    tensorboard
        Whether there are logs for TensorBoard.
    progress
        Whether there are bars on standard error.
    """

    device: torch.device
    dtype: torch.dtype = torch.float32
    metrics: tuple[str, ...] = ()
    save_seconds: float = 60.0
    tensorboard: bool = False
    progress: bool = True

    def __post_init__(self) -> None:
        for metric in self.metrics:
            check_choice("metric", metric, METRICS)
        if not is_number(self.save_seconds) or not self.save_seconds >= 0:
            raise InputError(f"save_seconds must be a number >= 0; got {self.save_seconds!r}")


@dataclass(frozen=True)
class Fitted:
    """A trained readout.

    Attributes
    ----------
    state
        Of the `Head`.
    history
        One row for the readout before training, and one an epoch.
    """

    state: dict[str, Tensor]
    history: list[dict[str, Any]]


@dataclass
class _Progress:
    """Where a training stands."""

    epoch: int
    batch: int
    loss: float
    weight: float
    history: list[dict[str, Any]]
    best: dict[str, Tensor]


def fit_head(
    head: Head,
    training: Samples,
    validation: Samples | None,
    recipe: Recipe,
    folder: Path,
    *,
    seed: Sequence[int],
    conditions: Mapping[str, Any],
    settings: Settings,
    name: str = "training",
) -> Fitted:
    """Train a readout by maximum likelihood; go on where an earlier call stopped.

    The order of batches depends on `seed` and the epoch only, so an interrupted training ends with
    the same numbers as one that was not (on a CPU, with as many threads).

    Parameters
    ----------
    head
        One component; its values are where training starts.
    training, validation
        Images to train on, and to stop on; without the latter, `recipe` can't look at them.
    recipe
        Rates, batches, when to stop.
    folder
        For ``state.pth`` while it runs, ``log.csv``, and ``final.pth``; made if it isn't there.
    seed
        Whole numbers that make the order of batches.
    conditions
        All that the result depends on besides, as JSON can hold it.
    settings
        Device, metrics, bars.
    name
        What bars and messages call the training.

    Raises
    ------
    InputError
        If the loss or its gradient is not a number, the folder holds a training under other
        conditions, or can't be written.
    """
    if validation is None and recipe.looks_at_validation:
        raise InputError("this recipe looks at validation images, and there are none")
    folder.mkdir(parents=True, exist_ok=True)
    done = finished_fit(folder, recipe, conditions)
    if done is not None:
        return done
    wanted = _as_text(recipe, conditions)
    run = _Run(head, training, validation, recipe, folder, seed, wanted, settings, name)
    fitted = run.finished()
    history = [{k: v for k, v in row.items() if k != "seconds"} for row in fitted.history]
    write_state(
        folder / "final.pth",
        {"state_dict": fitted.state, "history": json.dumps(history), "conditions": wanted},
    )
    (folder / "state.pth").unlink(missing_ok=True)
    return Fitted(fitted.state, history)


def finished_fit(folder: Path, recipe: Recipe, conditions: Mapping[str, Any]) -> Fitted | None:
    """Return what `fit_head` made in a folder; None if it isn't done."""
    final = read_state(folder / "final.pth")
    if final is None:
        return None
    found, wanted = (
        _without_digits(json.loads(text))
        for text in (final["conditions"], _as_text(recipe, conditions))
    )
    check_conditions(folder / "final.pth", found, wanted)
    (folder / "state.pth").unlink(missing_ok=True)  # of a call that was stopped just then
    return Fitted(final["state_dict"], json.loads(final["history"]))


def check_folder(folder: Path, recipe: Recipe, conditions: Mapping[str, Any]) -> None:
    """Raise `InputError` if a folder holds a training under other conditions than these.

    Parameters
    ----------
    folder
        Of `fit_head`.
    recipe, conditions
        As of `fit_head`; conditions may lack some, which are not compared.
    """
    wanted = _without_digits(json.loads(_as_text(recipe, conditions)))
    for name in ("final.pth", "state.pth"):
        state = read_state(folder / name)
        if state is not None:
            found = _without_digits(json.loads(state["conditions"]))
            known = {key: value for key, value in found.items() if key in wanted}
            check_conditions(folder / name, known, wanted)


def _without_digits(conditions: dict[str, Any]) -> dict[str, Any]:
    """Leave out conditions that move the last digits only."""
    kept = {key: value for key, value in conditions.items() if key not in _OF_DIGITS}
    if "features" in kept:
        kept["features"] = {k: v for k, v in kept["features"].items() if k not in _OF_DIGITS}
    return kept


def _as_text(recipe: Recipe, conditions: Mapping[str, Any]) -> str:
    return json.dumps(dict(conditions) | {"recipe": recipe.as_dict()}, sort_keys=True)


@dataclass
class _Run:
    """A training that runs; attributes are arguments of `fit_head`."""

    head: Head
    training: Samples
    validation: Samples | None
    recipe: Recipe
    folder: Path
    seed: Sequence[int]
    conditions: str
    settings: Settings
    name: str

    def __post_init__(self) -> None:
        self.head = self.head.to(self.settings.device, self.settings.dtype)
        self.head.train().requires_grad_(True)
        self._parameters = list(self.head.parameters())
        self._optimizer = torch.optim.Adam(self._parameters, lr=self.recipe.learning_rate)
        self._scheduler = self.recipe.scheduler(self._optimizer)
        self._saved = time.monotonic()

    def finished(self) -> Fitted:
        """Train until the recipe says that it is enough."""
        from tqdm import tqdm

        at = self._restored()
        if at is None:
            at = _Progress(1, 0, 0.0, 0.0, [], self._copied())
            at.history.append(self._row(0, None, 0.0))
            self._save(at)
        write_rows(self.folder / "log.csv", at.history)
        with board_of(self.folder if self.settings.tensorboard else None, at.history) as board:
            bar = tqdm(
                initial=at.epoch - 1,
                delay=2,
                disable=not self.settings.progress,
                unit="epoch",
                desc=self.name,
            )
            while not self.recipe.is_done([row["score"] for row in at.history], self._rate):
                began = time.monotonic()
                loss = self._epoch(at)
                row = self._row(at.epoch, loss, time.monotonic() - began)
                self._step_rate(row["score"])
                if row["score"] >= max(r["score"] for r in at.history):
                    at.best = self._copied()
                at.history.append(row)
                at.epoch, at.batch, at.loss, at.weight = at.epoch + 1, 0, 0.0, 0.0
                self._save(at)
                write_rows(self.folder / "log.csv", at.history)
                if board is not None:
                    add_row(board, row)
                bar.set_postfix_str(f"{row['score']:.4f} bit", refresh=False)
                bar.update()
            bar.close()
        state = at.best if self.recipe.keep == "best" else self._copied()
        return Fitted(state, at.history)

    # ---- epochs

    def _epoch(self, at: _Progress) -> float:
        """Train on all batches that are left; return the mean loss, bits."""
        rng = np.random.default_rng([*self.seed, at.epoch])
        batches = self.training.batches(self.recipe.batch_size, rng)
        left = batches[at.batch :]
        bar = self._bar(len(batches), f"epoch {at.epoch}", at.batch)
        with closing(self._loaded(self.training, left)) as loaded:
            for batch in loaded:
                loss = self._step(batch, at)
                at.loss += loss
                at.weight += batch.weight
                at.batch += 1
                bar.update()
                due = time.monotonic() - self._saved > self.settings.save_seconds
                if due and at.batch < len(batches):  # after the last one, validation comes first
                    self._save(at)
        bar.close()
        return at.loss / at.weight

    def _bar(self, n: int, name: str, done: int = 0) -> Any:
        """Return a bar for batches, that is seen where an epoch takes long."""
        from tqdm import tqdm

        return tqdm(
            total=n,
            initial=done,
            delay=10,
            leave=False,
            disable=not self.settings.progress,
            unit="batch",
            desc=name,
        )

    def _step(self, batch: Batch, at: _Progress) -> float:
        """Change the readout by one batch; return the weighted sum of its images' losses before."""
        self._optimizer.zero_grad()
        total = (batch.weights * self._losses(batch)).sum()
        # by the size of a full batch, so that images of rare sizes don't count for more
        (total / self.recipe.batch_size).backward()
        squares = [p.grad.square().sum() for p in self._parameters if p.grad is not None]
        # one wait for a GPU
        loss, gradient = torch.stack([total.detach(), torch.stack(squares).sum()]).tolist()
        if not (math.isfinite(loss) and math.isfinite(gradient)):
            what = "loss" if not math.isfinite(loss) else "gradient of the loss"
            raise self._no_number(what, at.epoch, f"batch {at.batch} (images {some(batch.ids)})")
        self._optimizer.step()
        with torch.no_grad():
            self.head.finaliser.sigma.clamp_(_LEAST_SIGMA, _MOST_SIGMA)
        return float(loss)

    def _no_number(self, what: str, epoch: int, where: str) -> InputError:
        return InputError(
            f"{self.name}: the {what} is no number in epoch {epoch}, {where}. The last good state "
            f"is {str(self.folder / 'state.pth')!r}. To begin again with a lower learning rate, "
            f"remove {str(self.folder)!r}"
        )

    def _losses(self, batch: Batch) -> Tensor:
        """Return minus the mean log likelihood of each image's fixations, bits, shape (n,)."""
        return negative_log_likelihood(self._densities(batch), batch.counts, reduction="none")

    def _densities(self, batch: Batch) -> Tensor:
        """Return log densities at the map's pixels, such that the image's add up to 1."""
        logs = self.head.log_densities(batch.maps, batch.centre, batch.mixing, batch.grid)
        return logs[:, 0]

    def _loaded(self, samples: Samples, batches: Sequence[Sequence[int]]) -> Generator[Batch]:
        """Yield batches on the device, the next one read meanwhile."""
        device, dtype = self.settings.device, self.settings.dtype
        with ThreadPoolExecutor(1, thread_name_prefix="salmetrics-batch") as pool:
            ahead = None
            for images in [*batches, None]:
                coming = None if images is None else pool.submit(samples.batch, images)
                if ahead is not None:
                    yield ahead.result().to(device, dtype)
                ahead = coming

    # ---- validation

    def _row(self, epoch: int, loss: float | None, seconds: float) -> dict[str, Any]:
        """Return what is logged of an epoch."""
        found: dict[str, Any] = {
            "epoch": epoch,
            "learning_rate": self._rate,
            "loss": loss,
            "sigma": float(self.head.finaliser.sigma.detach()),
            "centre_weight": float(self.head.finaliser.centre_weight.detach()),
        }
        scores = self._scores(epoch) if self.validation is not None else {}
        own = -math.inf if loss is None else -loss
        return found | scores | {"score": scores.get("IG", own), "seconds": round(seconds, 3)}

    def _scores(self, epoch: int) -> dict[str, float]:
        """Return LL and the metrics on the validation images, weighted as in training."""
        assert self.validation is not None
        totals: dict[str, float] = dict.fromkeys(("weight", "LL", "IG"), 0.0)
        chosen = self.settings.metrics
        others = {key: getattr(accumulators, key)(average="image") for key in chosen}
        of_others = dict.fromkeys(others, 0.0)
        samples = self.validation
        batches = samples.batches(self.recipe.batch_size)
        bar = self._bar(len(batches), "validation")
        with torch.no_grad(), closing(self._loaded(samples, batches)) as loaded:
            for images, batch in zip(batches, loaded, strict=True):
                logs = self._densities(batch)
                values = -negative_log_likelihood(logs, batch.counts, reduction="none").double()
                values = values.cpu()
                if not bool(torch.isfinite(values).all()):
                    where = f"images {some(batch.ids)}"
                    raise self._no_number("likelihood of validation", epoch, where)
                baseline = np.array([samples.baseline[i] for i in images]) / math.log(2)
                weights = torch.from_numpy(samples.weights[list(images)])
                totals["weight"] += batch.weight
                totals["LL"] += float(weights @ values)
                totals["IG"] += float(weights @ (values - torch.from_numpy(baseline)))
                bar.update()
                for key, metric in others.items():
                    full = batch.mixing.enlarged(logs)
                    counts = torch.stack([samples.full_counts(i) for i in images]).to(full.device)
                    for k in range(len(images)):
                        shown = full[k : k + 1] if key == "AUC" else full[k : k + 1].exp()
                        metric.reset()
                        metric.update(shown, counts[k : k + 1])
                        of_others[key] += float(weights[k]) * metric.compute()
        bar.close()
        weight = totals.pop("weight")
        return {key: value / weight for key, value in (totals | of_others).items()}

    # ---- what is kept

    @property
    def _rate(self) -> float:
        rate: float = self._optimizer.param_groups[0]["lr"]
        return rate

    def _step_rate(self, score: float) -> None:
        if isinstance(self._scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            self._scheduler.step(score)
        else:
            self._scheduler.step()

    def _copied(self) -> dict[str, Tensor]:
        return {k: t.detach().cpu().clone() for k, t in self.head.state_dict().items()}

    def _save(self, at: _Progress) -> None:
        write_state(
            self.folder / "state.pth",
            {
                "head": self._copied(),
                "best": at.best,
                "optimizer": self._optimizer.state_dict(),
                "scheduler": self._scheduler.state_dict(),
                "position": [at.epoch, at.batch],
                "sums": [at.loss, at.weight],
                "history": json.dumps(at.history),
                "conditions": self.conditions,
            },
        )
        self._saved = time.monotonic()

    def _restored(self) -> _Progress | None:
        path = self.folder / "state.pth"
        state = read_state(path)
        if state is None:
            return None
        check_conditions(path, json.loads(state["conditions"]), json.loads(self.conditions))
        self.head.load_state_dict(state["head"])
        self._optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        self._scheduler.load_state_dict(state["scheduler"])
        (epoch, batch), (loss, weight) = state["position"], state["sums"]
        return _Progress(epoch, batch, loss, weight, json.loads(state["history"]), state["best"])

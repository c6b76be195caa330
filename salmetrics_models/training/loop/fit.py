"""Train a module on some images and validate it on others; resume after an interruption."""

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

from salmetrics.errors import InputError, check_choice, check_list, is_number, some
from salmetrics.progress import progress_bar
from salmetrics_models.devices import device_of
from salmetrics_models.training.loop.logs import add_row, board_of, has_tensorboard, write_rows
from salmetrics_models.training.loop.objective import (
    METRICS,
    Metric,
    NotANumber,
    Objective,
    Source,
)
from salmetrics_models.training.loop.recipe import Recipe
from salmetrics_models.training.loop.states import (
    FORMAT,
    check_conditions,
    format_of,
    read_state,
)
from salmetrics_models.weights.files import write_state

__all__ = ["Fitted", "Settings", "check_folder", "finished_fit", "fit", "settings_for"]

_ROUNDING = ("device", "n_threads", "torch")  # conditions that change the last digits only


@dataclass(frozen=True)
class Settings:
    """Settings that are not part of the recipe.

    Attributes
    ----------
    device
        Device on which the module is trained.
    dtype
        Floating-point type of its parameters.
    metrics
        Names in `METRICS`: metrics that are logged in addition to LL and IG on the validation
        images.
    save_seconds
        Seconds between two writes of the state within an epoch; it is always written after one.
    tensorboard
        Whether logs for TensorBoard are written.
    progress
        Whether progress bars are shown on standard error.

    Raises
    ------
    InputError
        For an unknown metric or an invalid `save_seconds`.
    """

    device: torch.device
    dtype: torch.dtype = torch.float32
    metrics: tuple[Metric, ...] = ()
    save_seconds: float = 60.0
    tensorboard: bool = False
    progress: bool = True

    def __post_init__(self) -> None:
        for metric in self.metrics:
            check_choice("metric", metric, METRICS)
        if not is_number(self.save_seconds) or not self.save_seconds >= 0:
            raise InputError(f"save_seconds must be a number >= 0; got {self.save_seconds!r}")


def settings_for(
    device: str,
    *,
    metrics: Sequence[Metric] = (),
    tensorboard: bool | None,
    save_seconds: float,
    progress: bool,
) -> Settings:
    """Return settings from the arguments of a training.

    Parameters
    ----------
    device
        "auto", "cpu", "cuda", ...
    metrics, save_seconds, progress
        See `Settings`.
    tensorboard
        Whether logs for TensorBoard are written; None: if it is installed.

    Raises
    ------
    InputError
        For invalid values, or if `tensorboard` is True and TensorBoard is not installed.
    """
    if tensorboard and not has_tensorboard():
        raise InputError("TensorBoard is not installed: pip install 'salmetrics[tensorboard]'")
    return Settings(
        device_of(device),
        metrics=tuple(check_list("metrics", metrics)),
        save_seconds=save_seconds,
        tensorboard=has_tensorboard() if tensorboard is None else tensorboard,
        progress=progress,
    )


@dataclass(frozen=True)
class Fitted:
    """The result of `fit`.

    Attributes
    ----------
    state
        State dict of the module.
    history
        One row for the module before training, and one per epoch.
    """

    state: dict[str, Tensor]
    history: list[dict[str, Any]]


@dataclass
class _Progress:
    """How far a training has come: the next epoch and batch, and everything before them."""

    epoch: int
    batch: int
    loss: float
    weight: float
    history: list[dict[str, Any]]
    best: dict[str, Tensor]


def fit(
    objective: Objective,
    training: Source,
    validation: Source | None,
    recipe: Recipe,
    folder: Path,
    *,
    seed: Sequence[int],
    conditions: Mapping[str, Any],
    settings: Settings,
    name: str = "training",
) -> Fitted:
    """Train a module, or resume where an earlier call stopped.

    The order of batches depends only on `seed` and the epoch, so a resumed training ends with the
    same numbers as an uninterrupted one (on a CPU, with the same number of threads).

    Parameters
    ----------
    objective
        The module and its loss; training starts from the module's current parameters.
    training, validation
        Images to train on and to validate on; `validation` may be None if `recipe` does not need
        it.
    recipe
        Learning rates, batches and the rule for stopping.
    folder
        Folder of ``state.pth`` (while training runs), ``log.csv`` and ``final.pth``; it is created
        if it does not exist.
    seed
        Whole numbers that determine the order of batches.
    conditions
        Everything else on which the result depends, serialisable as JSON.
    settings
        Device, metrics, progress bars.
    name
        Name of the training in progress bars and messages.

    Raises
    ------
    InputError
        If the loss or its gradient is not finite, the folder holds a training under other
        conditions, or it cannot be written.
    """
    if validation is None and recipe.looks_at_validation:
        raise InputError(
            "the recipe needs validation images, and there are none; give some, or choose "
            "keep='last', stopping='none' and schedule='steps'"
        )
    folder.mkdir(parents=True, exist_ok=True)
    done = finished_fit(folder, recipe, conditions)
    if done is not None:
        return done
    wanted = _as_text(recipe, conditions)
    run = _FitRun(objective, training, validation, recipe, folder, seed, wanted, settings, name)
    fitted = run.finished()
    history = [{k: v for k, v in row.items() if k != "seconds"} for row in fitted.history]
    write_state(
        folder / "final.pth",
        {
            "format": FORMAT,
            "state_dict": fitted.state,
            "history": json.dumps(history),
            "conditions": wanted,
        },
    )
    (folder / "state.pth").unlink(missing_ok=True)
    return Fitted(fitted.state, history)


def finished_fit(folder: Path, recipe: Recipe, conditions: Mapping[str, Any]) -> Fitted | None:
    """Return the result of `fit` from its folder; None if the training has not finished.

    Parameters
    ----------
    folder, recipe, conditions
        See `fit`.

    Raises
    ------
    InputError
        If the folder holds a training under other conditions.
    """
    final = read_state(folder / "final.pth")
    if final is None:
        return None
    found, wanted = (
        _without_rounding(json.loads(text))
        for text in (final["conditions"], _as_text(recipe, conditions))
    )
    check_conditions(folder / "final.pth", found, wanted, format_of(final))
    (folder / "state.pth").unlink(
        missing_ok=True
    )  # left if `fit` was stopped between writing and removing
    return Fitted(final["state_dict"], json.loads(final["history"]))


def check_folder(folder: Path, recipe: Recipe, conditions: Mapping[str, Any]) -> None:
    """Raise `InputError` if a folder holds a training under other conditions than these.

    Parameters
    ----------
    folder, recipe
        See `fit`.
    conditions
        See `fit`; those that are missing here are not compared.
    """
    wanted = _without_rounding(json.loads(_as_text(recipe, conditions)))
    for name in ("final.pth", "state.pth"):
        state = read_state(folder / name)
        if state is not None:
            found = _without_rounding(json.loads(state["conditions"]))
            known = {key: value for key, value in found.items() if key in wanted}
            check_conditions(folder / name, known, wanted, format_of(state))


def _without_rounding(conditions: dict[str, Any]) -> dict[str, Any]:
    """Leave out conditions that change the last digits only."""
    return {
        key: _without_rounding(value) if isinstance(value, dict) else value
        for key, value in conditions.items()
        if key not in _ROUNDING
    }


def _as_text(recipe: Recipe, conditions: Mapping[str, Any]) -> str:
    return json.dumps(dict(conditions) | {"recipe": recipe.as_dict()}, sort_keys=True)


@dataclass
class _FitRun:
    """A running training; its attributes are arguments of `fit`."""

    objective: Objective
    training: Source
    validation: Source | None
    recipe: Recipe
    folder: Path
    seed: Sequence[int]
    conditions: str
    settings: Settings
    name: str

    def __post_init__(self) -> None:
        self.objective.to(self.settings.device, self.settings.dtype)
        self._module = self.objective.module.train()
        groups = self.objective.groups(self.recipe.learning_rate)
        self._parameters = [p.requires_grad_(True) for group in groups for p in group["params"]]
        self._optimizer = self.recipe.optimizer_of(groups)
        self._scheduler = self.recipe.scheduler(self._optimizer)
        self._saved = time.monotonic()

    def finished(self) -> Fitted:
        """Train until the recipe stops."""
        at = self._restored()
        if at is None:
            at = _Progress(1, 0, 0.0, 0.0, [], self._copied())
            at.history.append(self._row(0, None, 0.0))
            self._save(at)
        write_rows(self.folder / "log.csv", at.history)
        with board_of(self.folder if self.settings.tensorboard else None, at.history) as board:
            bar = progress_bar(
                show=self.settings.progress,
                description=self.name,
                unit="epoch",
                initial=at.epoch - 1,
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
                bar.set_postfix_str(
                    f"{row['score']:.4f} {self.objective.unit}".strip(), refresh=False
                )
                bar.update()
            bar.close()
        state = at.best if self.recipe.keep == "best" else self._copied()
        return Fitted(state, at.history)

    # ---- epochs

    def _epoch(self, at: _Progress) -> float:
        """Train on the remaining batches of an epoch; return the mean loss."""
        rng = np.random.default_rng([*self.seed, at.epoch])
        batches = self.training.batches(self.recipe.batch_size, rng)
        left = batches[at.batch :]
        bar = self._bar(len(batches), f"epoch {at.epoch}", at.batch)
        with closing(self._loaded(self.training, left)) as loaded:
            for batch in loaded:
                loss = self._step(batch, at, is_last=at.batch + 1 == len(batches))
                at.loss += loss
                at.weight += batch.weight
                at.batch += 1
                bar.update()
                # a state holds no gradients, so it is written between steps only; after the last
                # batch, validation comes first
                whole = at.batch % self.recipe.accumulate == 0 and at.batch < len(batches)
                if whole and time.monotonic() - self._saved > self.settings.save_seconds:
                    self._save(at)
        bar.close()
        return at.loss / at.weight

    def _bar(self, n: int, name: str, done: int = 0) -> Any:
        """Return a progress bar over batches, shown if an epoch takes more than ten seconds."""
        return progress_bar(
            show=self.settings.progress,
            total=n,
            description=name,
            unit="batch",
            delay=10,
            initial=done,
            leave=False,
        )

    def _step(self, batch: Any, at: _Progress, *, is_last: bool) -> float:
        """Train on one batch; return the weighted sum of its images' losses before the step."""
        n = self.recipe.accumulate
        if at.batch % n == 0:
            self._optimizer.zero_grad()
        total = (batch.weights * self.objective.losses(batch)).sum()
        # divided by the size of a full batch, so that images of rare sizes do not count for more
        (total / (self.recipe.batch_size * n)).backward()
        squares = [p.grad.square().sum() for p in self._parameters if p.grad is not None]
        # both at once, so that a GPU is waited for once
        loss, gradient = torch.stack([total.detach(), torch.stack(squares).sum()]).tolist()
        if not (math.isfinite(loss) and math.isfinite(gradient)):
            what = "loss" if not math.isfinite(loss) else "gradient of the loss"
            raise self._not_finite(what, at.epoch, f"batch {at.batch} (images {some(batch.ids)})")
        if (at.batch + 1) % n == 0 or is_last:
            self._optimizer.step()
            self.objective.constrain()
        return float(loss)

    def _not_finite(self, what: str, epoch: int, where: str) -> InputError:
        return InputError(
            f"{self.name}: the {what} is not finite in epoch {epoch}, {where}. The last valid "
            f"state is {str(self.folder / 'state.pth')!r}. To start again with a lower learning "
            f"rate, remove {str(self.folder)!r}"
        )

    def _loaded(self, samples: Source, batches: Sequence[Sequence[int]]) -> Generator[Any]:
        """Yield batches on the device; a thread reads the next one meanwhile."""
        device, dtype = self.settings.device, self.settings.dtype
        with ThreadPoolExecutor(1, thread_name_prefix="salmetrics-batch") as pool:
            pending = None
            for images in [*batches, None]:
                following = None if images is None else pool.submit(samples.batch, images)
                if pending is not None:
                    yield pending.result().to(device, dtype)
                pending = following

    # ---- validation

    def _row(self, epoch: int, loss: float | None, seconds: float) -> dict[str, Any]:
        """Return the row of an epoch in the log."""
        row: dict[str, Any] = {
            "epoch": epoch,
            "learning_rate": self._rate,
            "loss": loss,
            **self.objective.facts(),
        }
        scores = self._scores(epoch) if self.validation is not None else {}
        if not scores:
            scores["score"] = -math.inf if loss is None else -loss
        return row | scores | {"seconds": round(seconds, 3)}

    def _scores(self, epoch: int) -> dict[str, float]:
        """Return the scores on the validation images."""
        assert self.validation is not None
        batches = self.validation.batches(self.recipe.batch_size)
        bar = self._bar(len(batches), "validation")

        def loaded() -> Generator[tuple[Sequence[int], Any]]:
            with closing(self._loaded(self.validation, batches)) as on_device:  # type: ignore[arg-type]
                for images, batch in zip(batches, on_device, strict=True):
                    yield images, batch
                    bar.update()

        self._module.eval()
        try:
            with torch.no_grad(), closing(loaded()) as pairs:
                scores = self.objective.scores(self.validation, pairs)
        except NotANumber as error:
            raise self._not_finite(error.what, epoch, f"images {some(error.ids)}") from error
        finally:
            self._module.train()
        bar.close()
        return scores

    # ---- states

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
        return {k: t.detach().cpu().clone() for k, t in self._module.state_dict().items()}

    def _save(self, at: _Progress) -> None:
        write_state(
            self.folder / "state.pth",
            {
                "format": FORMAT,
                "module": self._copied(),
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
        found, wanted = (json.loads(text) for text in (state["conditions"], self.conditions))
        check_conditions(path, found, wanted, format_of(state))
        self._module.load_state_dict(state["module"])
        self._optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        self._scheduler.load_state_dict(state["scheduler"])
        (epoch, batch), (loss, weight) = state["position"], state["sums"]
        return _Progress(epoch, batch, loss, weight, json.loads(state["history"]), state["best"])

"""What `evaluate` returns: tables with units, and what they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.averaging import average_over_fixations, average_over_images, image_means
from salmetrics.metrics.registry import METRICS
from salmetrics.protocols import Protocol

if TYPE_CHECKING:
    import pandas as pd

    from salmetrics.evaluation import Scores

__all__ = ["Evaluation"]


class Evaluation:
    """Scores of models under one protocol.

    Attributes
    ----------
    summary
        Table with one row for each model and metric: value, n_images, n_fixations, unit,
        higher_is_better, note (why a value is missing).
    per_image
        Table with one row an image and one column for each model and metric.
    per_fixation
        Table with one row a fixation and one column for each model and metric that has one value
        a fixation; plus the image's id.
    reasons
        Why a metric of a model is NaN, by (model, metric).
    protocol, baseline, seed
        The choices behind the numbers; baseline is a name.
    n_predictions
        How many predictions were made, for all models together.
    """

    def __init__(
        self,
        scores: Scores,
        ids: Sequence[str],
        image: NDArray[np.int64],
        subject: NDArray[Any],
        protocol: Protocol,
        *,
        seed: int,
    ) -> None:
        self._values = scores.values
        self.reasons = dict(scores.reasons)
        self.baseline = scores.baseline
        self.n_predictions = scores.n_predictions
        self.protocol = protocol
        self.seed = seed
        self._ids = tuple(ids)
        self._image = image
        self._subject = np.unique(subject, return_inverse=True)[1]

    @property
    def models(self) -> list[str]:
        """Names of the models, in order."""
        return list(dict.fromkeys(model for model, _ in self._values))

    def value(self, model: str, metric: str) -> float:
        """Return one number of `summary`."""
        values = self._values[model, metric]
        if METRICS[metric].per == "image":
            return average_over_images(values, "image")
        return average_over_fixations(values, self._image, self._subject, self.protocol.average)

    @property
    def summary(self) -> pd.DataFrame:
        """One row for each model and metric."""
        import pandas as pd

        rows = []
        for (model, metric), values in self._values.items():
            entry = METRICS[metric]
            valid = ~np.isnan(values)
            images = np.flatnonzero(valid) if entry.per == "image" else self._image[valid]
            n_fixations = np.isin(self._image, images).sum()
            if entry.per == "fixation":
                n_fixations = valid.sum()
            rows.append(
                {
                    "model": model,
                    "metric": metric,
                    "value": self.value(model, metric),
                    "n_images": np.unique(images).size,
                    "n_fixations": int(n_fixations),
                    "unit": entry.unit,
                    "higher_is_better": entry.higher_is_better,
                    "note": self.reasons.get((model, metric), ""),
                }
            )
        return pd.DataFrame(rows).set_index(["model", "metric"])

    @property
    def table(self) -> pd.DataFrame:
        """The values of `summary` with models as rows and metrics as columns."""
        import pandas as pd

        metrics = self.protocol.metrics
        rows = {m: [self.value(m, metric) for metric in metrics] for m in self.models}
        return pd.DataFrame.from_dict(rows, orient="index", columns=list(metrics))

    @property
    def per_image(self) -> pd.DataFrame:
        """One row an image; metrics with one value a fixation are averaged over the image."""
        import pandas as pd

        columns = {
            key: values
            if METRICS[key[1]].per == "image"
            else image_means(values, self._image, len(self._ids))
            for key, values in self._values.items()
        }
        table = pd.DataFrame(columns, index=pd.Index(self._ids, name="image"))
        table.columns.names = ["model", "metric"]
        return table

    @property
    def per_fixation(self) -> pd.DataFrame:
        """One row a fixation, in the order of the fixations, indexed by number and image id."""
        import pandas as pd

        names = [self._ids[i] for i in self._image]
        index = pd.MultiIndex.from_arrays([np.arange(len(names)), names], names=["", "image"])
        columns = {
            key: values for key, values in self._values.items() if METRICS[key[1]].per == "fixation"
        }
        table = pd.DataFrame(columns, index=index)
        table.columns = pd.MultiIndex.from_tuples(list(columns), names=["model", "metric"])
        return table

    def __repr__(self) -> str:
        return f"{self.table.round(4).to_string(na_rep='-')}\n{self.footnotes()}"

    def footnotes(self) -> str:
        """Return the choices behind the table and the reasons of missing values, as text."""
        lines = [f"protocol {self.protocol.name} {self.protocol.version}"]
        if self.protocol.overrides:
            changes = ", ".join(
                f"{name}={value!r}" for name, value in self.protocol.overrides.items()
            )
            lines[0] += f" with {changes}"
        if self.baseline is not None:
            lines.append(f"IG over {self.baseline}")
        by_reason: dict[str, list[str]] = {}
        for (model, metric), why in self.reasons.items():
            by_reason.setdefault(why, []).append(f"{model} {metric}")
        lines += [f"- {', '.join(keys)}: {why}" for why, keys in by_reason.items()]
        return "\n".join(lines)

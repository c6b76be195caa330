"""Results in the forms of other tools: tidy tables, Parquet files and xarray data sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from salmetrics.array_types import AnyArray
from salmetrics.errors import InputError
from salmetrics.io.files import check_target, replacing

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["Per", "as_xarray", "check_parquet", "tidy", "write_parquet"]

Per = Literal["model", "image", "fixation"]


def tidy(table: pd.DataFrame, names: Mapping[str, AnyArray]) -> pd.DataFrame:
    """Return a table with a column per model and metric as one row per value.

    Parameters
    ----------
    table
        `Evaluation.per_image` or `Evaluation.per_fixation`.
    names
        Further columns by name, one value per row of `table`, that each value gets.
    """
    import pandas as pd

    keys: list[tuple[str, str]] = list(table.columns)  # type: ignore[arg-type]
    parts = [
        pd.DataFrame(
            {"model": model, "metric": metric, **names, "value": table[model, metric].to_numpy()}
        )
        for model, metric in keys
    ]
    if not parts:
        return pd.DataFrame(columns=["model", "metric", *names, "value"])
    return pd.concat(parts, ignore_index=True)


def check_parquet() -> None:
    """Raise `InputError` if pyarrow is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401  # only whether it is there
    except ImportError as error:
        raise InputError(
            "Parquet files need pyarrow; install salmetrics[tables], or write another form"
        ) from error


def write_parquet(table: pd.DataFrame, path: Path, record: Mapping[str, Any]) -> None:
    """Write a table without an index as a Parquet file, atomically.

    Parameters
    ----------
    table
        The table.
    path
        Path of the file; an existing file is replaced.
    record
        Provenance, which the file holds as JSON under the key ``salmetrics`` of its metadata.

    Raises
    ------
    InputError
        If pyarrow is not installed, or the folder is missing or not writable.
    """
    check_parquet()
    import pyarrow as pa
    import pyarrow.parquet as pq

    check_target(path)
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    metadata = {**(arrow.schema.metadata or {}), b"salmetrics": json.dumps(record).encode()}
    with replacing(path) as temporary:
        pq.write_table(arrow.replace_schema_metadata(metadata), temporary)


def as_xarray(
    summary: pd.DataFrame,
    per_image: pd.DataFrame,
    attributes: Mapping[str, AnyArray],
    record: Mapping[str, Any],
) -> xr.Dataset:
    """Return scores as an xarray data set; see `Evaluation.to_xarray`."""
    try:
        import xarray as xr
    except ImportError as error:
        raise InputError("to_xarray needs xarray; install salmetrics[tables]") from error
    models = list(summary.index.unique("model"))
    metrics = list(summary.index.unique("metric"))
    images = list(per_image.index)

    def of_models(column: str) -> AnyArray:
        return np.array([[summary.loc[(m, k), column] for k in metrics] for m in models])

    values = np.stack(
        [[per_image[m, k].to_numpy(np.float64) for k in metrics] for m in models], axis=0
    )
    variables: dict[str, tuple[tuple[str, ...], AnyArray]] = {
        name: (("model", "metric"), of_models(name)) for name in ("value", "low", "high")
    }
    variables["n_images"] = (("model", "metric"), of_models("n_images").astype(np.int64))
    variables["per_image"] = (("model", "metric", "image"), values)
    first = summary.xs(models[0], level="model")
    coordinates: dict[str, Any] = {
        "model": models,
        "metric": metrics,
        "image": images,
        "unit": ("metric", first.loc[metrics, "unit"].to_numpy(str)),
        "higher_is_better": ("metric", first.loc[metrics, "higher_is_better"].to_numpy(bool)),
    }
    taken = {*coordinates, *variables}
    for name, column in attributes.items():
        if column.ndim == 1:
            coordinates[f"{name}_" if name in taken else name] = ("image", column)
    return xr.Dataset(variables, coordinates, {"provenance": json.dumps(record)})

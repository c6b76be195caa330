"""The sample that comes with salmetrics: photographs of OSIE, fixations, and maps of models."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from salmetrics.array_types import Array
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimulus
from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import RawData, images_in, require_path, stimuli_of
from salmetrics.densities.grey_levels import from_log_levels
from salmetrics.errors import InputError, check_choice
from salmetrics.models.base import DensityModel, Model
from salmetrics.models.conversion import as_model
from salmetrics.models.stored_maps import StoredMaps

__all__ = ["FOLDER", "SampleDensity", "read", "sample_model", "sample_models"]

FOLDER = Path(__file__).parent / "sample"
_DENSITIES = ("litegaze", "hand-made")


def read(folder: Path, description: Description) -> RawData:
    """Read ``images/*.jpg`` and ``fixations.csv``."""
    table = require_path(folder, "fixations.csv", description)
    images = table.parent / "images"
    stimuli = stimuli_of(images_in(images, "*.jpg"), description, root=images)
    return RawData(stimuli, Fixations.from_csv(table, stimuli))


class SampleDensity(DensityModel):
    """Densities of the photographs of the sample, from pictures whose grey levels are their log.

    Grey levels are 0.05 nats apart, see `salmetrics.densities.grey_levels.from_log_levels`.

    Parameters
    ----------
    folder
        Folder of one PNG per photograph, with its name.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.name = self.folder.name

    @property
    def parameters(self) -> dict[str, Any]:
        """Where the maps come from, and the content of their files."""
        return {"maps": "sample", "content": self._maps.fingerprint}

    @cached_property
    def _maps(self) -> StoredMaps:
        return StoredMaps(self.folder)

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return the log density of a photograph of the sample, shape (300, 400)."""
        levels = self._maps(stimulus)
        if levels.shape != tuple(stimulus.size):
            raise InputError(
                f"{self.name} of the sample has a map of size {levels.shape} for {stimulus.id!r}, "
                f"which has size {tuple(stimulus.size)}; its maps are for load('sample') only"
            )
        return from_log_levels(levels)


def sample_models() -> dict[str, Model]:
    """Return the models whose maps of the sample come with salmetrics.

    Their maps are pictures, so that neither torch nor a download is needed, and they know no other
    images than those of ``load("sample")``:

    - ``litegaze``: a density model, DeepGaze IIE's architecture on three small networks, see
      `salmetrics_models.LiteGaze`;
    - ``hand-made``: a density model, the same readout on features that are computed, not learned;
    - ``local-contrast``: saliency maps, the blurred difference between an image and its blur.

    The readouts of both density models have not seen the photographs that they predict.

    Returns
    -------
    models : dict
        `DensityModel` or `SaliencyMapModel` by name, the best first.

    Raises
    ------
    None
        The files come with the package.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli, fixations = salmetrics.datasets.load("sample")
    >>> litegaze = salmetrics.datasets.sample_models()["litegaze"]
    >>> litegaze.log_density(stimuli[0]).shape
    (300, 400)
    """
    maps = FOLDER / "maps"
    present = [name for name in _DENSITIES if (maps / name).is_dir()]
    models: dict[str, Model] = {name: SampleDensity(maps / name) for name in present}
    models["local-contrast"] = as_model(maps / "local-contrast", kind="saliency_map")
    return models


def sample_model(argument: str | None, dataset: Any) -> Model:
    """Return one of `sample_models` for ``--model sample:NAME``."""
    models = sample_models()
    check_choice("the model of sample, in sample:NAME,", argument, models)
    return models[str(argument)]

"""Architectures of DeepGaze networks, as data that files of weights hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from salmetrics.errors import InputError, check_choice, check_whole, is_number
from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.backbones.networks import ALEXNET, BACKBONES, VGG_19
from salmetrics_models.backbones.receptive_fields import located
from salmetrics_models.backbones.registry import known_backbones
from salmetrics_models.deepgaze.finaliser import ENLARGEMENTS, Enlargement
from salmetrics_models.deepgaze.readouts import ReadoutLayer

__all__ = ["DEEPGAZE_1", "DEEPGAZE_2", "DEEPGAZE_2E", "DEEPGAZE_2E_ACW", "Architecture"]


_MOST_DOWNSAMPLING = 100


@dataclass(frozen=True)
class Architecture:
    """The architecture of a DeepGaze network.

    Attributes
    ----------
    backbones
        Backbones whose features are read out, each by readouts of its own.
    layers
        Layers of each readout.
    n_components
        Number of readouts per backbone.
    downsample
        Step between the pixels that backbones see, from 1 to 100; need not be whole.
    readout_factor
        Side of a readout's pixel, in pixels of the downsampled image.
    map_factor
        Side of a pixel of the map that is blurred, in pixels of the image.
    least_side
        Smallest height and width of images; for smaller ones a layer has no pixels.
    aligned
        Whether features are interpolated such that the centres of their receptive fields lie at
        the pixels of the readout; otherwise they are resized by nearest neighbours.
    scaled
        Whether each channel is divided by its standard deviation, see `Head.feature_scale`.
    enlargement
        Enlargement of readouts to maps: "nearest" neighbours, or "bicubic" in steps.
    smooth
        Whether maps are blurred with a Gaussian of learnt width.
    centre_weight
        Whether the weight of the centre bias is learnt; otherwise it stays 1.
    """

    backbones: tuple[Backbone, ...]
    layers: tuple[ReadoutLayer, ...]
    n_components: int
    downsample: float
    readout_factor: int
    map_factor: int
    least_side: int
    aligned: bool = False
    scaled: bool = False
    enlargement: Enlargement = "nearest"
    smooth: bool = True
    centre_weight: bool = True

    def __post_init__(self) -> None:
        for name in ("n_components", "readout_factor", "map_factor", "least_side"):
            check_whole(name, getattr(self, name), 1)
        if not is_number(self.downsample) or not 1 <= self.downsample <= _MOST_DOWNSAMPLING:
            raise InputError(
                f"downsample must be a number from 1 to {_MOST_DOWNSAMPLING}; got "
                f"{self.downsample!r}"
            )
        check_choice("enlargement", self.enlargement, ENLARGEMENTS)
        for name in ("aligned", "scaled", "smooth", "centre_weight"):
            check_choice(name, getattr(self, name), (True, False))
        names = [backbone.name for backbone in self.backbones]
        if not names or len(set(names)) < len(names) or not self.layers:
            raise InputError(
                "an architecture needs backbones with different names, and layers; got backbones "
                f"{names} and {len(self.layers)} layers"
            )
        if self.aligned:  # which needs the places of units
            object.__setattr__(self, "backbones", tuple(map(located, self.backbones)))

    def description(self) -> dict[str, Any]:
        """Return values that JSON can hold, from which `from_description` restores this."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.centre_weight:  # as in files that are older than the choice
            del values["centre_weight"]
        return values | {
            "backbones": [{"name": b.name, "layers": list(b.layers)} for b in self.backbones],
            "layers": [asdict(layer) for layer in self.layers],
        }

    def differences(self, other: Architecture) -> list[str]:
        """Return the names of the attributes that differ from those of another architecture.

        Numbers of components, downsampling and whether the weight of the centre bias was learnt may
        differ between files of one model, and are left out.
        """
        own, theirs = self.description(), other.description()
        ignored = ("n_components", "downsample", "centre_weight")
        return [key for key in own if key not in ignored and own[key] != theirs[key]]

    @classmethod
    def from_description(
        cls, description: Mapping[str, Any], backbones: Iterable[Backbone] = ()
    ) -> Architecture:
        """Restore an architecture from its description.

        Parameters
        ----------
        description
            Values that `description` returned.
        backbones
            Backbones that the description may name, in addition to `known_backbones`.

        Raises
        ------
        InputError
            If the description is incomplete or invalid, or names an unknown backbone.
        """
        known = known_backbones() | {backbone.name: backbone for backbone in backbones}
        try:
            values = dict(description)
            described = []
            for entry in values.pop("backbones"):
                check_choice("backbone", entry["name"], known)
                backbone, layers = known[entry["name"]], tuple(entry["layers"])
                same = layers == backbone.layers
                described.append(backbone if same else backbone.reading(layers))
            readout = tuple(ReadoutLayer(**layer) for layer in values.pop("layers"))
            return cls(tuple(described), readout, **values)
        except InputError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the description of the architecture is invalid: {error}") from error


DEEPGAZE_2E = Architecture(
    backbones=tuple(BACKBONES.values()),
    layers=(
        ReadoutLayer(8, norm=True, activation="softplus"),
        ReadoutLayer(16, norm=True, activation="softplus"),
        ReadoutLayer(1, norm=True, activation="softplus"),
        ReadoutLayer(128, norm=True, activation="softplus"),
        ReadoutLayer(16, norm=True, activation="softplus"),
        ReadoutLayer(1, bias=False),
    ),
    n_components=30,
    downsample=2,
    readout_factor=16,
    map_factor=2,
    least_side=64,
)

DEEPGAZE_2E_ACW = replace(
    DEEPGAZE_2E,
    n_components=15,
    downsample=8.5,
    map_factor=1,
    least_side=272,  # backbones see 32 pixels
    enlargement="bicubic",
    smooth=False,
)

DEEPGAZE_1 = Architecture(
    backbones=(ALEXNET,),
    layers=(ReadoutLayer(1, bias=False),),
    n_components=1,
    downsample=2,
    readout_factor=4,
    map_factor=4,
    least_side=64,
)


DEEPGAZE_2 = Architecture(
    backbones=(VGG_19,),
    layers=(
        ReadoutLayer(16, activation="relu"),
        ReadoutLayer(32, activation="relu"),
        ReadoutLayer(2, activation="relu"),
        ReadoutLayer(1),
    ),
    n_components=1,
    downsample=2,
    readout_factor=2,
    map_factor=4,
    least_side=64,
    aligned=True,
    scaled=True,
    centre_weight=False,
)

"""What makes a DeepGaze network, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from salmetrics.errors import InputError, check_choice, check_whole, is_number
from salmetrics_models.backbones.backbone import (
    ALEXNET,
    BACKBONES,
    VGG_19,
    Backbone,
    known_backbones,
)
from salmetrics_models.deepgaze.readouts import ReadoutLayer

__all__ = ["DEEPGAZE_1", "DEEPGAZE_2", "DEEPGAZE_2E", "DEEPGAZE_2E_ACW", "Architecture"]


_MOST_DOWNSAMPLING = 100


@dataclass(frozen=True)
class Architecture:
    """What makes a DeepGaze network.

    Attributes
    ----------
    backbones
        Whose features are read out, each on its own.
    layers
        Of each readout.
    n_components
        Readouts a backbone.
    downsample
        By which images are made smaller first: every so many pixels is taken.
    readout_factor
        Pixels of the image for one of the readout, downsampling aside.
    map_factor
        Pixels of the image for one of the map that is blurred.
    least_side
        Of images; smaller ones leave a layer without any pixel.
    aligned
        Whether features are interpolated, such that the centres of their receptive fields are at
        the readout's pixels; otherwise they are brought to its size by nearest neighbours.
    scaled
        Whether each channel is divided by its standard deviation, `Head.feature_scale`.
    enlargement
        How readouts become maps: "nearest" neighbours, or "bicubic" in steps.
    smooth
        Whether maps are blurred with a Gaussian, whose width is learnt.
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
    enlargement: str = "nearest"
    smooth: bool = True

    def __post_init__(self) -> None:
        for name in ("n_components", "readout_factor", "map_factor", "least_side"):
            check_whole(name, getattr(self, name), 1)
        if not is_number(self.downsample) or not 1 <= self.downsample <= _MOST_DOWNSAMPLING:
            raise InputError(
                f"downsample must be a number from 1 to {_MOST_DOWNSAMPLING}; got "
                f"{self.downsample!r}"
            )
        check_choice("enlargement", self.enlargement, ("bicubic", "nearest"))
        for name in ("aligned", "scaled", "smooth"):
            check_choice(name, getattr(self, name), (True, False))
        names = [backbone.name for backbone in self.backbones]
        if not names or len(set(names)) < len(names) or not self.layers:
            raise InputError(
                f"an architecture needs backbones of different names, and layers; got {names} and "
                f"{len(self.layers)} layers"
            )
        if self.aligned:  # then strides have to be known
            known = [b if b.strides else b.reading(b.layers) for b in self.backbones]
            object.__setattr__(self, "backbones", tuple(known))

    def description(self) -> dict[str, Any]:
        """Return what `from_description` makes this of again, as JSON can hold it."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return found | {
            "backbones": [{"name": b.name, "layers": list(b.layers)} for b in self.backbones],
            "layers": [asdict(layer) for layer in self.layers],
        }

    def differences(self, other: Architecture) -> list[str]:
        """Return in what another one differs, numbers of components and downsampling aside."""
        own, its = self.description(), other.description()
        aside = ("n_components", "downsample")
        return [key for key in own if own[key] != its[key] and key not in aside]

    @classmethod
    def from_description(
        cls, description: Mapping[str, Any], backbones: Iterable[Backbone] = ()
    ) -> Architecture:
        """Make an architecture from its description.

        Parameters
        ----------
        description
            As `description` gives it.
        backbones
            More that it may name, besides those that are known.

        Raises
        ------
        InputError
            If it is no such description, or names an unknown backbone.
        """
        known = known_backbones() | {backbone.name: backbone for backbone in backbones}
        try:
            values = dict(description)
            chosen = []
            for given in values.pop("backbones"):
                check_choice("backbone", given["name"], known)
                backbone, layers = known[given["name"]], tuple(given["layers"])
                chosen.append(backbone if layers == backbone.layers else backbone.reading(layers))
            layers_of = tuple(ReadoutLayer(**layer) for layer in values.pop("layers"))
            return cls(tuple(chosen), layers_of, **values)
        except InputError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"this describes no architecture: {error}") from error


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
    least_side=272,  # 32 pixels for the backbones
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
)

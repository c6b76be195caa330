"""Feature maps of a backbone, computed once per image and cached on disk."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import warnings
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError, check_choice
from salmetrics.fingerprint import fingerprint
from salmetrics.io.files import replacing
from salmetrics.progress import progress_bar
from salmetrics_models.backbones.backbone import IMAGENET, Backbone, FeatureExtractor
from salmetrics_models.backbones.registry import known_backbones
from salmetrics_models.deepgaze.head import channel_scale, downsampled
from salmetrics_models.devices import settings_of_torch
from salmetrics_models.weights.digests import digest_of_weights

__all__ = [
    "FEATURE_DTYPES",
    "FeatureDtype",
    "Features",
    "code_of",
    "filled_features",
    "image_digests",
]

FeatureDtype = Literal["float16", "float32"]
FEATURE_DTYPES: dict[FeatureDtype, torch.dtype] = {
    "float16": torch.float16,
    "float32": torch.float32,
}
_TOGETHER = 8  # images in a batch on a GPU; on a CPU, single images are as fast
_SPARE = 2**28  # bytes that stay free on the disk
_OLD = 86400.0  # seconds after which a half-written file is an abandoned one
_FORMAT = 1  # changes when the same weights give other features, such as the hand-made ones
# Identity of the code of our own backbones. It names folders of features and stands in trainings,
# so it is fixed: neither moving nor renaming a module invalidates them. (These are the digests that
# were recorded when the code was identified by its module.)
_CODES = {
    "alexnet": "b7dc45d1467be6e3de3cdb3aaa52e8c7",
    "densenet-201": "cf24354b6cc0e10ed0a15be80dcc9938",
    "efficientnet-b5": "5b55c91d368b037b3c3c47a5cbb03417",
    "hand-made": "cf24fc049da948e7f584e2316379c329",
    "resnext-50": "d8ba53af290cad4da84a0066e2ee8c23",
    "shapenet-c": "e31324658932337220993b447985329c",
    "vgg-19": "dd6e38f5233e1fbd3ecd5d9814e16c9b",
}


class Features:
    """The maps of a backbone's layers for some images, computed once if they have a folder.

    A memory-mapped file holds the maps of one image. Its name contains the digest and the size of
    the image. The name of its folder contains a digest of the backbone's weights and code, its
    layers, the downsampling, and whether a CPU or a GPU computes. So an image that is in several
    data sets is computed once, and a changed image is computed again.

    Parameters
    ----------
    extractor
        The backbone, on its device.
    stimuli
        The images.
    downsample
        Factor by which images are made smaller first: one of every `downsample` pixels is used.
    folder
        Folder of all features, created if it does not exist; None: features are computed at each
        use.
    dtype
        "float32", or "float16" for half of the disk space, rounded to three digits (fewer below
        6e-5).
    digests
        Result of `image_digests`, if it is known.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        stimuli: Stimuli,
        *,
        downsample: float = 1,
        folder: Path | None = None,
        dtype: FeatureDtype = "float32",
        digests: Sequence[str] | None = None,
    ) -> None:
        check_choice("dtype", dtype, FEATURE_DTYPES)
        self.stimuli = stimuli
        self._known_digests = digests
        self._place = {name: i for i, name in enumerate(stimuli.ids)}
        backbone = extractor.backbone
        self._pool = backbone.pool or backbone.layers
        self._numbers = [self._pool.index(layer) for layer in backbone.layers]
        self._kept = {
            "backbone": backbone.name,
            "weights": digest_of_weights(extractor.state_dict()),
            "layers": list(self._pool),
            "downsample": float(downsample),
            "dtype": dtype,
            "device": _device(extractor).type,
            "code": code_of(backbone),
            "format": _FORMAT,
        }
        self.conditions = self._kept | {"layers": list(backbone.layers)}
        self._extractor: FeatureExtractor | None = extractor
        self._downsample = downsample
        self._dtype = FEATURE_DTYPES[dtype]
        self._folder: Path | None = None
        self._files: list[Path] = []
        if folder is not None:
            text = json.dumps(self._kept, sort_keys=True)
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            self._folder = folder / f"{extractor.backbone.name}-{digest}"

    def fill(self, *, progress: bool = True) -> None:
        """Compute all missing features.

        Parameters
        ----------
        progress
            Whether a progress bar is shown on standard error.

        Raises
        ------
        InputError
            If the features do not fit on the disk, or the folder cannot be written.
        """
        if self._folder is None or self._files:
            return
        folder = self._created()
        self._files = [folder / f"{digest}.safetensors" for digest in self._digests]
        _sweep(folder)
        missing = {i for i, path in enumerate(self._files) if not self._is_whole(path)}
        # the same groups whatever exists already: on a GPU, other groups have other last digits
        groups = [group for group in self._groups() if not missing.isdisjoint(group)]
        name = f"features of {self.conditions['backbone']}"
        bar = progress_bar(show=progress, total=len(missing), description=name)
        for number, group in enumerate(groups):
            for i, maps in zip(group, self._computed(group), strict=True):
                if i in missing:
                    self._write(i, maps)
            if number == 0:
                self._check_room(group[0], missing)
            bar.update(len(missing.intersection(group)))
        bar.close()
        self._extractor = None  # no longer needed

    def check(self, stimuli: Stimuli) -> None:
        """Check that images are those whose features these are.

        Parameters
        ----------
        stimuli
            Some of the images; their pixels are compared.

        Raises
        ------
        InputError
            For an image with another id, another size or other pixels.
        """
        for stimulus, digest in zip(stimuli, image_digests(stimuli), strict=True):
            if self._digests[self.number_of(stimulus)] != digest:
                raise InputError(
                    f"the features of image {stimulus.id!r} belong to other pixels; train on this "
                    "image, or predict it with the model itself"
                )

    def number_of(self, stimulus: Stimulus) -> int:
        """Return the number of an image.

        Parameters
        ----------
        stimulus
            One of the images.

        Raises
        ------
        InputError
            For an image with another id or another size.
        """
        if stimulus.id not in self._place:
            raise InputError(f"there are no features of image {stimulus.id!r}")
        number = self._place[stimulus.id]
        if tuple(self.stimuli.sizes[number]) != stimulus.size:
            raise InputError(f"the features of image {stimulus.id!r} belong to another size")
        return number

    def maps(self, images: Sequence[int]) -> list[Tensor]:
        """Return the maps of each layer for images of one size.

        Parameters
        ----------
        images
            Numbers of the images.

        Returns
        -------
        maps : list of Tensor
            One tensor per layer, shape (n, channels, h, w), float32.
        """
        if self._folder is None:
            every = (maps for group in self._cut(list(images)) for maps in self._computed(group))
            maps_by_image = ([maps[i] for i in self._numbers] for maps in every)
        else:
            maps_by_image = (self._read(i) for i in images)
        maps_by_layer = zip(*maps_by_image, strict=True)
        return [torch.stack(maps).to(torch.float32) for maps in maps_by_layer]

    def scale(self, *, progress: bool = True) -> Tensor:
        """Return the scale of each channel over all images, see `channel_scale`.

        Parameters
        ----------
        progress
            Whether a progress bar is shown on standard error.

        Returns
        -------
        scale : Tensor of shape (channels,)
            Standard deviations.
        """
        bar = progress_bar(range(len(self.stimuli)), show=progress, description="feature scale")
        return channel_scale(self.maps([i]) for i in bar)

    @cached_property
    def _digests(self) -> Sequence[str]:
        return image_digests(self.stimuli) if self._known_digests is None else self._known_digests

    def _created(self) -> Path:
        """Create the folder, with a file that says which features it holds."""
        assert self._folder is not None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with replacing(self._folder / "about.json") as temporary:
                temporary.write_text(json.dumps(self._kept, indent=1), "utf-8")
        except OSError as error:
            raise InputError(
                f"features cannot be written to {str(self._folder)!r}: {error.strerror or error}"
            ) from error
        return self._folder

    def _groups(self) -> list[list[int]]:
        """Return groups of images of one size that are computed together."""
        by_size: dict[tuple[int, ...], list[int]] = {}
        for i, size in enumerate(self.stimuli.sizes.tolist()):
            by_size.setdefault(tuple(size), []).append(i)
        return [group for same in by_size.values() for group in self._cut(same)]

    def _cut(self, images: list[int]) -> list[list[int]]:
        """Cut images of one size into groups that are computed together; on a CPU, each alone."""
        together = 1 if self._kept["device"] == "cpu" else _TOGETHER
        return [images[start : start + together] for start in range(0, len(images), together)]

    def _computed(self, images: Sequence[int]) -> Iterator[list[Tensor]]:
        assert self._extractor is not None
        pixels = np.stack([self.stimuli[i].rgb for i in images]).transpose(0, 3, 1, 2)
        device = _device(self._extractor)
        batch = torch.from_numpy(np.ascontiguousarray(pixels)).to(device).float()
        with torch.inference_mode(), settings_of_torch(device, None):
            maps = self._extractor(downsampled(batch, self._downsample), self._pool)
        for k in range(len(images)):
            # rounded as on the disk, so that the first use sees the same numbers as later ones
            yield [m[k].to(self._dtype).cpu() for m in maps]

    def _write(self, image: int, maps: list[Tensor]) -> None:
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        for layer, m in zip(self._pool, maps, strict=True):
            if not bool(torch.isfinite(m).all()):
                raise InputError(
                    f"features of image {self.stimuli.ids[image]!r} in layer {layer!r} are not "
                    f"finite as {self._kept['dtype']}"
                )
        path = self._files[image]
        try:
            with replacing(path) as temporary:
                save_file({str(i): m.contiguous() for i, m in enumerate(maps)}, temporary)
        except (SafetensorError, OSError) as error:
            raise InputError(f"features {str(path)!r} cannot be written: {error}") from error

    def _read(self, image: int) -> list[Tensor]:
        from safetensors import SafetensorError, safe_open

        path = self._files[image]
        try:
            with safe_open(path, framework="pt") as file:
                return [file.get_tensor(str(i)) for i in self._numbers]
        except (SafetensorError, OSError) as error:
            raise InputError(
                f"features {str(path)!r} can no longer be read ({error}); start the same training "
                "again, which computes them from scratch"
            ) from error

    def _is_whole(self, path: Path) -> bool:
        from safetensors import SafetensorError, safe_open

        if not path.exists():
            return False
        try:
            with safe_open(path, framework="pt") as file:
                return len(file.keys()) == len(self._pool)
        except SafetensorError:
            warnings.warn(
                f"features {str(path)!r} are damaged and are computed again", stacklevel=2
            )
            return False

    def _check_room(self, first: int, missing: set[int]) -> None:
        """Raise `InputError` if the disk has too little space for all missing features."""
        path = self._files[first]
        pixels = self.stimuli.sizes.prod(1)
        others = [i for i in missing if i != first]
        needed = path.stat().st_size * pixels[others].sum() / pixels[first]
        free = shutil.disk_usage(path.parent).free
        if needed > free - _SPARE:
            raise InputError(
                f"features of {len(missing)} images take {needed / 1e9:.1f} GB, and the disk of "
                f"{str(path.parent)!r} has {free / 1e9:.1f} GB left; choose another folder, or "
                "dtype 'float16', which takes half"
            )


def _sweep(folder: Path) -> None:
    """Remove half-written files of killed processes: old ones only, as others may be writing."""
    for path in folder.glob(".*.safetensors-*"):
        if time.time() - path.stat().st_mtime > _OLD:
            path.unlink(missing_ok=True)


def _device(extractor: FeatureExtractor) -> torch.device:
    return next(iter(extractor.state_dict().values())).device


def code_of(backbone: Backbone) -> str:
    """Return the identity of the code that makes a backbone's network and runs it.

    It is fixed for the backbones of this package, whatever layers are read and whatever their name;
    for those of users, it is a digest of the code.
    """
    own = _code_digest(backbone)
    return _known_codes().get(own, own)


@cache
def _known_codes() -> dict[str, str]:
    """Return the fixed identities of our own code, by its digest in this version."""
    names = sorted(known_backbones(), key=_CODES.__contains__)  # where two share one, the older
    return {_code_digest(known_backbones()[name]): _CODES.get(name, name) for name in names}


def _code_digest(backbone: Backbone) -> str:
    code: list[Any] = [backbone.make, backbone.trunk]
    if backbone.normalisation != IMAGENET:  # which older digests lack
        code.append(backbone.normalisation)
    return fingerprint(code)


def filled_features(
    extractor: FeatureExtractor,
    stimuli: Stimuli,
    digests: Sequence[str],
    *,
    downsample: float,
    folder: Path | None,
    dtype: FeatureDtype,
    progress: bool,
) -> Features:
    """Return `Features` of images, already computed if they have a folder.

    Parameters
    ----------
    extractor, stimuli, digests, downsample, folder, dtype
        See `Features`.
    progress
        See `Features.fill`.
    """
    features = Features(
        extractor, stimuli, downsample=downsample, folder=folder, dtype=dtype, digests=digests
    )
    features.fill(progress=progress)
    return features


def image_digests(stimuli: Stimuli) -> list[str]:
    """Return digests that identify images, such as "4f...-480x640"; all images are read."""
    digests = []
    for stimulus in stimuli:
        digest = hashlib.sha256(stimulus.content()).hexdigest()[:32]
        height, width = stimulus.size
        digests.append(f"{digest}-{height}x{width}")
    return digests

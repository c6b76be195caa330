"""Damage small files of every kind at random, and check that only documented errors come out.

    python checks/damaged_files.py [--seconds 300] [--seed 0] [--kind SUFFIX ...]

Each file is read as a whole after bytes of it were changed, removed, repeated or cut off. It must
be read, or refused by an `InputError` of one line, within ten seconds. The report counts the files
that were tried, by kind, and shows every other outcome with the damage that caused it. Files are
read in processes of their own, with 4 GB of memory: the HDF5 library crashes on some damaged
strings, and these crashes are counted apart.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import multiprocessing
import resource
import sys
import tarfile
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

import salmetrics
from salmetrics.io.map_files import encode_map, map_size, read_map
from salmetrics.io.map_stores import open_maps

SLOW = 10.0  # seconds
MEMORY = 4 * 2**30
MAPS = np.random.default_rng(0).integers(0, 255, (3, 6, 8), np.uint8)


class Kind(NamedTuple):
    """A kind of file: its suffix, a whole file, and how all of it is read."""

    suffix: str
    content: bytes
    read: Callable[[Path], object]


def kinds(folder: Path) -> dict[str, Kind]:
    """Return one small file of every kind that salmetrics reads, by name."""
    stimuli = salmetrics.Stimuli.from_arrays(list(MAPS), sigma=1.0)
    fixations = salmetrics.Fixations.from_arrays(
        [1, 2, 3, 4.5], [1, 2, 3, 4.5], [0, 1, 2, 2], subject=list("abab")
    )
    dataset = salmetrics.Dataset("small", stimuli, fixations)
    files = {
        "map.npy": encode_map(MAPS[0].astype(float), ".npy", 8),
        "map.png": encode_map(MAPS[0], ".png", 8),
        "map.tif": encode_map(MAPS[0], ".tif", 16),
        "map.jpg": encode_map(MAPS[0], ".jpg", 8),
        "map.mat": encode_map(MAPS[0], ".mat", 8),
        "map73.mat": _mat_73({"map": MAPS[0]}),
    }
    found = {name: Kind(Path(name).suffix, data, _map_file) for name, data in files.items()}
    stores = {
        "stack.npy": _saved(np.save, MAPS.astype(np.float32)),
        "maps.npz": _saved(np.savez, **{str(i): each for i, each in enumerate(MAPS)}),
        "maps.zip": _zip(files["map.png"]),
        "maps.tar.gz": _tar(files["map.png"]),
        "maps.json": json.dumps(
            [{"image_id": 7, "saliency_map": base64.b64encode(files["map.png"]).decode()}]
        ).encode(),
        "maps.mat": _saved(savemat, {"results": MAPS.astype(float).transpose(1, 2, 0)}),
        "cells.mat": _saved(savemat, {"results": _cells(list(MAPS)), "names": _cells(list("abc"))}),
        "cells73.mat": _mat_73({"results": list(MAPS), "names": list("abc")}),
        "maps.h5": _hdf5(folder, lambda file: file.update({"a": MAPS[0], "b/c": MAPS[1]})),
    }
    found |= {
        name: Kind("".join(Path(name).suffixes), data, _map_store) for name, data in stores.items()
    }
    for name, data in (("data.h5", dataset), ("stimuli.h5", stimuli), ("fixations.h5", fixations)):
        salmetrics.write_hdf5(data, folder / name, images="copy")
        found[name] = Kind(".h5", (folder / name).read_bytes(), _data)
    models = {
        "flat": salmetrics.Uniform(),
        "maps": salmetrics.as_model(MAPS, stimuli, kind="saliency_map"),
    }
    result = salmetrics.evaluate(
        models,
        *dataset,
        metrics=["LL", "IG", "NSS", "CC"],
        baseline=salmetrics.Uniform(),
        n_bootstrap=20,
        progress=False,
    )
    result.save(folder / "result.h5")
    found["result.h5"] = Kind(".h5", (folder / "result.h5").read_bytes(), _evaluation)
    salmetrics.CentreBias(*dataset).save(folder / "bias.h5")
    found["bias.h5"] = Kind(".h5", (folder / "bias.h5").read_bytes(), _centre_bias)
    for suffix in (".png", ".jpg", ".gif", ".bmp", ".tif", ".webp"):
        stream = io.BytesIO()
        form = Image.registered_extensions()[suffix]  # which loads all of Pillow's formats
        Image.fromarray(np.stack([MAPS[0]] * 3, axis=2)).save(stream, form)
        found[f"image{suffix}"] = Kind(suffix, stream.getvalue(), _image)
    return found


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a file with some of its bytes changed, removed, repeated, zeroed or cut off."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(data))) if data else 0
        # headers are where the structure is
        at = int(rng.integers(min(len(data), 256) or 1)) if rng.random() < 0.5 else at
        n = int(rng.integers(1, 9))
        how = rng.integers(6)
        if how == 0 and data:
            data[min(at, len(data) - 1)] ^= 1 << int(rng.integers(8))
        elif how == 1 and data:
            data[min(at, len(data) - 1)] = int(rng.integers(256))
        elif how == 2:
            del data[at : at + n]
        elif how == 3:
            data[at:at] = data[at : at + n]
        elif how == 4:
            data[at : at + n] = bytes(len(data[at : at + n]))
        else:
            del data[max(at, 1) :]
    return bytes(data)


def outcome(kind: Kind, data: bytes, path: Path) -> str | None:
    """Read a damaged file; return what is wrong with how that ended, or None."""
    path.write_bytes(data)
    start = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind.read(path)
    except salmetrics.InputError as error:
        if "\n" in str(error):
            return f"a message of several lines: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-4)}"
    if time.monotonic() - start > SLOW:
        return f"{time.monotonic() - start:.0f} seconds"
    return None


def tried(
    found: dict[str, Kind], seed: int, folder: Path, each: int
) -> Iterator[tuple[str, bytes, str | None]]:
    """Yield the name of each kind with `each` damaged files of it, and what is wrong."""
    for number, (name, kind) in enumerate(found.items()):
        rng = np.random.default_rng([seed, number])
        for _ in range(each):
            data = damaged(kind.content, rng)
            yield name, data, outcome(kind, data, folder / f"file{kind.suffix}")


def main() -> None:
    """Damage files until the time is over, and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", nargs="+", help="names of kinds, such as map.npy")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    crashes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {k: v for k, v in kinds(folder).items() if not options.kind or k in options.kind}
        end = time.monotonic() + options.seconds
        seed = options.seed
        while time.monotonic() < end:
            for kind in found:
                problems, code = _apart({kind: found[kind]}, seed, folder, 20)
                counts[kind] += 20
                if code < 0:
                    crashes[f"{kind} (signal {-code})"] += 1
                for line in problems:
                    wrong[line] += 1
                    if wrong[line] == 1:
                        print(line, flush=True)
            seed += 1
    print(f"{counts.total()} files: " + ", ".join(f"{k} {n}" for k, n in counts.items()))
    print(f"{wrong.total()} with other outcomes, {len(wrong)} kinds of them")
    print(f"{crashes.total()} crashes: " + ", ".join(f"{k} {n}" for k, n in crashes.items()))
    sys.exit(bool(wrong))


def _apart(found: dict[str, Kind], seed: int, folder: Path, each: int) -> tuple[list[str], int]:
    """Return what is wrong with damaged files that a process of its own reads, and its exit."""
    report = folder / "report"
    report.write_text("")

    def run() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        with report.open("a", encoding="utf-8") as lines:
            for kind, data, problem in tried(found, seed, folder, each):
                if problem is not None:
                    shown = f"{kind}: {problem}\n    {data[:80]!r} ... {len(data)} bytes"
                    print(json.dumps(shown), file=lines, flush=True)

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join(10 * SLOW)
    if process.exitcode is None:
        process.kill()
        process.join()
    problems = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    return problems, process.exitcode or 0


# ---- reading everything


def _map_file(path: Path) -> object:
    with path.open("rb") as stream:
        size = map_size(stream, path.suffix, "the map")
    with path.open("rb") as stream:
        return size, read_map(stream, path.suffix, "the map")


def _map_store(path: Path) -> object:
    maps = open_maps(path)
    sizes = list(maps.sizes(maps.names))
    return sizes, [maps.read(name) for name in maps.names], maps.digest


def _data(path: Path) -> object:
    data = salmetrics.read_hdf5(path)
    parts = data if isinstance(data, salmetrics.Dataset) else [data]
    for part in parts:
        if isinstance(part, salmetrics.Stimuli):
            yielded = [stimulus.image for stimulus in part]
            assert len(yielded) == len(part)
    return data


def _evaluation(path: Path) -> object:
    result = salmetrics.Evaluation.load(path)
    return result.summary, repr(result), result.per_fixation, result.per_image, result.errors


def _centre_bias(path: Path) -> object:
    model = salmetrics.CentreBias.load(path)
    return model.log_density(salmetrics.Stimuli.from_sizes([(6, 8)], ["new"])[0])


def _image(path: Path) -> object:
    return salmetrics.Stimuli.from_files([path])[0].rgb


# ---- making files


def _saved(save: Callable[..., Any], *arguments: Any, **more: Any) -> bytes:
    stream = io.BytesIO()
    save(stream, *arguments, **more)
    return stream.getvalue()


def _zip(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", data)
        archive.writestr("salmetrics.json", '{"kind": "saliency_map"}')
    return stream.getvalue()


def _tar(data: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        member = tarfile.TarInfo("a.png")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def _cells(contents: list[Any]) -> NDArray[Any]:
    cells = np.empty((1, len(contents)), object)
    cells[0, :] = contents
    return cells


def _hdf5(folder: Path, fill: Callable[[Any], object], user_block: int = 0) -> bytes:
    path = folder / "made.h5"
    with h5py.File(path, "w", userblock_size=user_block) as file:
        fill(file)
    return path.read_bytes()


def _mat_73(variables: dict[str, Any]) -> bytes:
    """Return a .mat file as MATLAB 7.3 writes it: axes reversed, cells as references."""

    def fill(file: Any) -> None:
        for name, value in variables.items():
            if not isinstance(value, list):
                file[name] = np.asarray(value).T
                continue
            cells = file.create_dataset(name, (len(value), 1), dtype=h5py.ref_dtype)
            cells.attrs["MATLAB_class"] = np.bytes_("cell")
            for i, part in enumerate(value):
                text = isinstance(part, str)
                codes = np.array([[ord(c)] for c in part], np.uint16) if text else part.T
                stored = file.create_dataset(f"#refs#/{name}{i}", data=codes)
                stored.attrs["MATLAB_class"] = np.bytes_("char" if text else "uint8")
                cells[i, 0] = stored.ref

    with tempfile.TemporaryDirectory() as folder:
        return _hdf5(Path(folder), fill, 512)


if __name__ == "__main__":
    main()

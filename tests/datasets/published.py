"""Small archives of random content in the layouts that data sets are published in."""

import io
import json
import zipfile
from dataclasses import replace

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from salmetrics import InputError, datasets
from salmetrics.datasets.description import described


def image(size, rng):
    """JPEG bytes of blobs, (height, width)."""
    coarse = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    made = Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BILINEAR)
    stream = io.BytesIO()
    made.save(stream, "JPEG")
    return stream.getvalue()


def mat(**variables):
    """Bytes of a .mat file of version 5."""
    stream = io.BytesIO()
    savemat(stream, variables)
    return stream.getvalue()


def objects(values):
    """A MATLAB cell array, or array of structs."""
    made = np.empty(len(values), object)
    for i, value in enumerate(values):
        made[i] = value
    return made


def structs(values):
    """A MATLAB array of structs with the same fields."""
    made = np.empty((1, len(values)), [(name, object) for name in values[0]])
    for i, value in enumerate(values):
        made[0, i] = tuple(value.values())
    return made


def archive(path, members):
    """Write a zip file."""
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def trace(rng, n=720, size=(60, 80), lost=0.0):
    """Gaze at 240 Hz that rests at a few places."""
    points = rng.uniform(0, size[::-1], (6, 2))
    gaze = np.repeat(points, n // 6, 0) + rng.normal(0, 0.3, (n, 2))
    gaze[rng.random(n) < lost] = np.nan
    return gaze


def mit1003(folder, rng, n=4, subjects=("ajs", "CNG", "hp")):
    """ALLSTIMULI.zip and DATA.zip; sizes differ, one image is 768 x 1024."""
    names = [
        f"i{number}_street_{'x' * 60 if number == 10 else number}" for number in range(9, 9 + n)
    ]
    sizes = [(768, 1024), (1024, 700), (600, 1024), (1024, 768)]
    images, data = {"ALLSTIMULI/.DS_Store": b"x"}, {}
    traces = {}
    for i, name in enumerate(names):
        images[f"ALLSTIMULI/{name}.jpeg"] = image(sizes[i % 4], rng)
        for subject in subjects:
            gaze = trace(rng, size=sizes[i % 4], lost=0.02)
            if (i, subject) == (0, "hp"):
                gaze[:130] = -50.0  # its first fixation is invalid
            if (i, subject) == (1, "hp"):
                gaze[:] = np.nan
            traces[name, subject] = gaze
            record = {"DATA": structs([{"eyeData": gaze}])}
            data[f"DATA/{subject}/{name}.mat"] = mat(**{name[:63]: record})
    return [archive(folder / "ALLSTIMULI.zip", images), archive(folder / "DATA.zip", data)], traces


def mit300(folder, rng, n=3):
    """BenchmarkIMAGES.zip."""
    members = {f"BenchmarkIMAGES/i{i}.jpg": image((60, 80), rng) for i in (1, 10, 2)[:n]}
    return [archive(folder / "BenchmarkIMAGES.zip", members)]


def toronto(folder, rng, n=120):
    """eyetrackingdata.zip."""
    base = "eyetrackingdata/fixdens"
    members = {f"{base}/Original Image Set/{i}.jpg": image((51, 68), rng) for i in range(1, n + 1)}
    maps = np.empty((1, n), object)
    for i in range(n):
        maps[0, i] = (rng.random((51, 68)) < 0.01).astype(np.uint8)
    members[f"{base}/origfixdata.mat"] = mat(white=maps)
    return [archive(folder / "eyetrackingdata.zip", members)]


def pascal_s(folder, rng, n=850):
    """salObj.zip."""
    members = {f"datasets/imgs/pascal/{i}.jpg": image((40, 50), rng) for i in range(1, n + 1)}
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        cells = np.empty((1, n), h5py.ref_dtype)
        for i in range(n):
            k = int(rng.integers(3, 12))
            table = np.stack(
                [rng.integers(1, 41, k), rng.integers(1, 51, k), rng.integers(1, 4, k)]
            )
            cells[0, i] = file.create_dataset(f"refs/{i}", data=table.astype(float)).ref
        file.create_dataset("fixCell", data=cells, dtype=h5py.ref_dtype)
    members["datasets/fixations/pascalFix.mat"] = stream.getvalue()
    return [archive(folder / "salObj.zip", members)]


def osie(folder, rng, n=700):
    """The authors' repository."""
    base = "predicting-human-gaze-beyond-pixels-master/data"
    members, records = {}, []
    for i in range(n):
        members[f"{base}/stimuli/{1001 + i}.jpg"] = (
            image((600, 800), rng) if i < 2 else members[f"{base}/stimuli/1001.jpg"]
        )
        scanpaths = [
            {
                "fix_x": rng.uniform(0, 800, k),
                "fix_y": rng.uniform(0, 600, k),
                "fix_duration": rng.uniform(50, 500, k),
            }
            for k in (3, 1, 5)
        ]
        records.append({"img": f"{1001 + i}.jpg", "subjects": objects(scanpaths)})
    members[f"{base}/eye/fixations.mat"] = mat(fixations=objects(records))
    return [archive(folder / "osie.zip", members)]


CATEGORIES = ("Action", "Affective", "Art")


def cat2000_train(folder, rng, n=2):
    """trainSet.zip, and exported scanpaths."""
    members, scanpaths = {}, {}
    for c, category in enumerate(CATEGORIES, 1):
        for i in range(1, n + 1):
            name = f"{category}/{i:03}"
            members[f"trainSet/Stimuli/{name}.jpg"] = image((60, 80), rng)
            members[f"trainSet/Stimuli/{category}/Output/{i:03}_SaliencyMap.jpg"] = b"no image"
            fixated = np.zeros((60, 80), np.uint8)
            for subject in ("AK", "BB", "none"):
                data = rng.uniform(-5, 85, (12, 3))
                data[4] = data[3]
                data[7, 0] = np.nan
                if subject == "none":
                    data = []
                for x, y, _ in data:
                    if 1 <= x < 81 and 1 <= y < 61:
                        fixated[int(y - 1), int(x - 1)] = 1
                key = f"fixations/fix{len(scanpaths)}.mat"
                scanpaths[key] = mat(name=f"{c:02}-{i:03}-{subject}.eye", data=data)
            members[f"trainSet/FIXATIONLOCS/{name}.mat"] = mat(fixLocs=fixated)
    return [
        archive(folder / "trainSet.zip", members),
        archive(folder / "fixations.zip", scanpaths),
    ]


def cat2000_test(folder, rng, n=2):
    """testSet.zip."""
    members = {
        f"testSet/Stimuli/{category}/{i:03}.jpg": image((60, 80), rng)
        for category in CATEGORIES
        for i in range(1, n + 1)
    }
    return [archive(folder / "testSet.zip", members)]


def salicon(folder, rng, n=3):
    """Images, fixations of both editions, JSON of the first release."""
    images, fixations = {}, {"2015": {}, "2017": {}}
    documents = {part: {"images": [], "annotations": []} for part in ("train", "val")}
    for part in ("train", "val", "test"):
        for i in range(n):
            number = 17 * i + 3
            stem = f"COCO_{part}2014_{number:012}"
            images[f"images/{part}/{stem}.jpg"] = image((480, 640), rng)
            if part == "test":
                continue
            for edition in fixations:
                gaze = []
                for k in (4, 1, 6):
                    high = 660 if edition == "2017" else 640
                    location = np.stack([rng.integers(1, high, k), rng.integers(1, 480, k)], 1)
                    points = np.stack([rng.integers(1, 641, k), rng.integers(1, 481, k)], 1)
                    gaze.append(
                        {
                            "location": location.astype(float),
                            "timestamp": np.arange(k) * 16.0,
                            "fixations": points.astype(np.uint16),
                        }
                    )
                fixations[edition][f"{part}/{stem}.mat"] = mat(
                    image=f"{stem}.jpg", gaze=structs(gaze)
                )
            documents[part]["images"].append({"id": number, "file_name": f"{stem}.jpg"})
            for worker in range(2):
                points = np.stack([rng.integers(1, 481, 5), rng.integers(1, 641, 5)], 1)
                documents[part]["annotations"].append(
                    {"image_id": number, "worker_id": worker, "fixations": points.tolist()}
                )
    made = [archive(folder / "images.zip", images)]
    made += [archive(folder / f"fixations{e}.zip", m) for e, m in fixations.items()]
    for part, document in documents.items():
        path = folder / f"fixations_{part}2014.json"
        path.write_text(json.dumps(document))
        made.append(path)
    return made


def figrim(folder, rng, n=3, *, all_seen=False):
    """Fillers.zip, Targets.zip and two .mat files."""
    made = []
    for part, source in (("Fillers", "allImages_fillers"), ("Targets", "allImages_release")):
        members, records = {}, []
        for category in ("airport_terminal", "bathroom"):
            for i in range(n):
                name = f"{part.lower()}_{category}_{i}.jpg"
                members[f"{part}/{category}/{name}"] = image((1000, 1000), rng)
                people = []
                for k in range(3):
                    seen = all_seen or k != 1
                    views = {
                        phase: rng.uniform(0, 1000, (4, 2)) if seen and phase != "rec2" else []
                        for phase in ("enc", "rec", "rec2")
                    }
                    people.append(
                        {
                            "trial": 5 if seen else [],
                            "fixations": views if seen else [],
                            "SDT": np.array([4, 1, 3]) if seen else [],
                        }
                    )
                records.append(
                    {"filename": name, "category": category, "userdata": structs(people)}
                )
        made.append(archive(folder / f"{part}.zip", members))
        path = folder / f"{source}.mat"
        path.write_bytes(mat(allImages=structs(records)))
        made.append(path)
    return made


def coco(folder, rng, *, search):
    """Images of two zip files, and trials."""
    names = [f"{i:012}.jpg" for i in range(6)]
    content = {name: image((1050, 1680), rng) for name in names}
    present = {
        f"images/{task}/{name}": content[name] for task in ("car", "cup") for name in names[:3]
    }
    absent = {f"coco_search18_images_TA/cup/{name}": content[name] for name in names[2:]}
    made = [
        archive(folder / "COCOSearch18-images-TP.zip", present),
        archive(folder / "COCOSearch18-images-TA.zip", absent),
    ]

    def trial(i, split, subject, condition):
        k = int(rng.integers(2, 6))
        found = {
            "name": names[i],
            "subject": subject,
            "X": rng.uniform(-20, 1700, k).tolist(),
            "Y": rng.uniform(0, 1050, k).tolist(),
            "T": rng.integers(100, 400, k).tolist(),
            "length": k,
            "split": split,
            "task": "potted plant",
            "condition": condition,
            "correct": 1,
            "RT": 1500,
        }
        return found

    def trials(split, which, condition):
        return [trial(i, split, subject, condition) for i in which for subject in (1, 2)]

    if not search:
        path = folder / "COCOFreeView_fixations_trainval.json"
        path.write_text(
            json.dumps(trials("train", (0, 2, 3), "freeview") + trials("valid", (1,), "freeview"))
        )
        return [*made, path]
    tp = {
        "coco_search18_fixations_TP_train_split1.json": json.dumps(
            trials("train", (0, 2), "present")
        ),
        "coco_search18_fixations_TP_validation_split1.json": json.dumps(
            trials("valid", (1,), "present")
        ),
    }
    path = folder / "coco_search18_fixations_TA_trainval.json"
    path.write_text(json.dumps(trials("train", (3,), "absent") + trials("valid", (4,), "absent")))
    return [*made, archive(folder / "COCOSearch18-fixations-TP.zip", tp), path]


PUBLISHED = {
    "cat2000-test": cat2000_test,
    "cat2000-train": cat2000_train,
    "coco-freeview": lambda folder, rng: coco(folder, rng, search=False),
    "coco-search18": lambda folder, rng: coco(folder, rng, search=True),
    "figrim": figrim,
    "mit1003": lambda folder, rng: mit1003(folder, rng)[0],
    "mit300": mit300,
    "osie": lambda folder, rng: osie(folder, rng, n=4),
    "pascal-s": lambda folder, rng: pascal_s(folder, rng, n=5),
    "salicon": salicon,
    "toronto": lambda folder, rng: toronto(folder, rng, n=4),
}


def small(name, **counts):
    """The description of a data set, without the checksums and counts of the published one."""
    published = described(name)
    files = tuple(replace(source, digests=(), inside={}) for source in published.files)
    return replace(published, files=files, expected=counts)


# ---- what the tests of several readers check


def assert_same(one, other):
    """Compare two data sets."""
    assert one.stimuli.ids == other.stimuli.ids
    np.testing.assert_array_equal(one.stimuli.sizes, other.stimuli.sizes)
    assert one.fixations.columns.keys() == other.fixations.columns.keys()
    for name, column in one.fixations.columns.items():
        np.testing.assert_array_equal(column, other.fixations.columns[name], name)
    assert one.info == other.info
    assert one.name == other.name


def check_loading(name, options, description, paths, root):
    """Load a data set from archives, from the cache, and from the unpacked folder; return it."""
    first = datasets.load(name, root, archive=paths, download=False, **options)
    assert first.info["citation"] == description.citation
    assert first.info["dropped_outside"] >= 0
    assert not first.fixations.outside(first.stimuli).any()
    if options.get("resize") is None:
        assert first.stimuli.pixels_per_degree == description.pixels_per_degree
        assert first.stimuli.sigma == description.sigma
    assert first.stimuli[0].image.shape[:2] == tuple(first.stimuli.sizes[0])
    (cache,) = root.glob("*.h5")
    changed = cache.stat().st_mtime_ns
    assert_same(datasets.load(name, root, download=False, **options), first)
    assert cache.stat().st_mtime_ns == changed
    assert_same(datasets.load(name, root, download=False, cache=False, **options), first)
    assert not list(root.glob("*.zip"))
    assert [path.name for path in root.glob(".*")] == [".salmetrics-lock"]
    return first


def without_member(path, target, missing):
    """Copy a zip file without the members that have `missing` in their names."""
    with zipfile.ZipFile(path) as file:
        kept = {n: file.read(n) for n in file.namelist() if missing not in n}
    return archive(target, kept)


def archives_without(paths, folder, missing):
    """Copy archives to a folder without some members; other files are returned as they are."""
    return [
        without_member(path, folder / path.name, missing) if path.suffix == ".zip" else path
        for path in paths
    ]


def overwrite(folder, name, content):
    """Write other bytes into the only file of that name below a folder; return its path."""
    (path,) = folder.glob(f"**/{name}")
    path.write_bytes(content)
    return path


OTHER_MATLAB = ("nothing", "text", "other", "7.3")


def check_other_matlab_file(name, file, content, root, *, reads_73=False):
    """Replace a .mat file below `root`; loading must fail with an error that names it."""
    stream = io.BytesIO()
    if content == "text":
        stream.write(b"no MATLAB file " * 50)
    elif content == "other":
        savemat(stream, {"other": 1})
    elif content == "7.3":
        with h5py.File(stream, "w", userblock_size=512) as hdf5:
            hdf5["other"] = 1
        stream.getbuffer()[:128] = b"MATLAB 7.3 MAT-file".ljust(116) + bytes(8) + b"\x00\x02IM"
    path = overwrite(root, file, stream.getvalue())
    damaged = content != "7.3" or reads_73
    text = "damaged, or not the published file" if damaged else "version 7.3"
    with pytest.raises(InputError, match=rf"{path.name}' is .*{text}"):
        datasets.load(name, root)

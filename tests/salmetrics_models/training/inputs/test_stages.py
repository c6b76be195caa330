"""Stages: values that go together, parts that know no image they are tested on, identities."""

from dataclasses import replace

import numpy as np
import pytest

import salmetrics
from salmetrics import Dataset, Folds, InputError, Stimuli
from salmetrics.data import folds
from salmetrics_models.training import Stage
from salmetrics_models.training.inputs import stages
from salmetrics_models.training.inputs.features import image_digests
from salmetrics_models.training.inputs.stages import check_unseen, checked_stages, warn_of_shared
from tests.salmetrics_models.training.toy_training import (
    ONE_EPOCH,
    RECIPE,
    blob_dataset,
)


def test_wrong_stages(dataset, stage):
    for given, text in (
        ([], "there must be at least one stage"),
        (stage, "stages must be a list"),
        ([stage, stage], "stages must have different names"),
        ([stage, replace(stage, name="b")], "only the last stage may have folds; 'blobs'"),
    ):
        with pytest.raises(InputError, match=text):
            checked_stages(given)
    first = replace(stage, name="a", folds=None, validation=dataset)
    assert checked_stages((first, stage)) == [first, stage]


def test_values_that_do_not_go_together(dataset, stage):
    with pytest.raises(InputError, match="has folds, which determine the validation images"):
        replace(stage, validation=dataset)
    for name in ("../x", "..", "", "a b"):
        with pytest.raises(InputError, match="the name of a stage must begin with a letter"):
            replace(stage, name=name)
    with pytest.raises(InputError, match="stage 'blobs' has no images"):
        replace(stage, dataset=dataset[:0])
    sizes = Stimuli.from_sizes(dataset.stimuli.sizes.tolist(), dataset.stimuli.ids)
    with pytest.raises(
        InputError, match="training needs the pixels of images; 'blobs0' has only a size"
    ):
        replace(stage, dataset=Dataset("s", sizes, dataset.fixations))
    with pytest.raises(InputError, match="image_weights must be 12 numbers"):
        replace(stage, image_weights=[1, 2])
    with pytest.raises(InputError, match="needs validation images, and there are none"):
        replace(stage, folds=None)


def test_folds_of_other_images(dataset, stage):
    with pytest.raises(InputError, match="12 images are in no fold"):
        replace(stage, folds=Folds({"z": 2})).parts()
    missing = Folds(dict.fromkeys(dataset.stimuli.ids, 2), 3)
    with pytest.raises(
        InputError, match=r"fold \d has no images of 'blobs' to (train|validate) on"
    ):
        replace(stage, folds=missing).parts()


def test_parts(dataset, stage):
    parts = stage.parts(progress=False)
    assert [part.fold for part in parts] == [0, 1, 2]
    assert stage.n_parts == 3
    for k, part in enumerate(parts):
        names = np.array(dataset.stimuli.ids)
        assert {*names[part.training]} == {*stage.folds.train(k)}
        assert {*names[part.stopping]} == {*stage.folds.validation(k)}
    (alone,) = Stage("all", dataset, RECIPE, validation=blob_dataset(3, name="v")).parts()
    assert (alone.fold, alone.stopping) == (None, None)
    assert alone.training.tolist() == list(range(12))


def test_scheme_of_deepgaze_2_stops_on_the_tested_images(dataset):
    with pytest.warns(UserWarning, match="deepgaze2"):
        made = folds.kfold(dataset.stimuli, 3, scheme="deepgaze2")
    parts = Stage("blobs", dataset, RECIPE, folds=made).parts()
    for k, part in enumerate(parts):
        assert {dataset.stimuli.ids[i] for i in part.stopping} == set(made.test(k))
        assert not set(part.training) & set(part.stopping)


def digests_of(stages):
    return [
        [[] if d is None else image_digests(d.stimuli) for d in (stage.dataset, stage.validation)]
        for stage in stages
    ]


def test_images_that_another_stage_has_seen(dataset, stage):
    """By their pixels, as ids may differ, and by their ids in a data set of the same name."""
    some = dataset[2:5]
    renamed = Stimuli.from_arrays([s.image for s in some.stimuli], ["x", "y", "z"])
    seen = Dataset("seen", renamed, some.fixations)
    first = Stage("first", seen, ONE_EPOCH.changed(keep="last"))
    text = "stage 'first' is trained on 3 images of stage 'blobs', whose folds test them: 'blobs2'"
    with pytest.raises(InputError, match=text):
        check_unseen([first, stage], digests_of([first, stage]))
    again = salmetrics.resize(some, (80, 80))  # other pixels, but the same name and ids
    other = replace(first, dataset=again)
    with pytest.raises(InputError, match="is trained on 3 images of stage 'blobs'"):
        check_unseen([other, stage], digests_of([other, stage]))
    renamed = Dataset("else", again.stimuli, again.fixations)
    unknown = replace(first, dataset=renamed)
    check_unseen([unknown, stage], digests_of([unknown, stage]))  # neither pixels nor name
    stopped = replace(first, dataset=blob_dataset(6, seed=12, name="other"), validation=seen)
    with pytest.warns(UserWarning, match=r"is validated on 3 images .* slightly too high"):
        check_unseen([stopped, stage], digests_of([stopped, stage]))
    without = replace(stage, folds=None, validation=seen)
    check_unseen([first, without], digests_of([first, without]))  # nothing is tested


def test_one_image_in_two_folds(stage):
    own = stage.folds.of(stage.dataset.stimuli)
    (one, other), *_ = [(i, k) for i in range(12) for k in range(i, 12) if own[i] != own[k]]
    digests = [image_digests(stage.dataset.stimuli), []]
    check_unseen([stage], [digests])
    digests[0][other] = digests[0][one]
    with pytest.warns(UserWarning, match="1 images of stage 'blobs' are in several folds"):
        check_unseen([stage], [digests])


def test_centre_bias_of_many_images(dataset, monkeypatch):
    """Its two numbers are fitted to some of them, the density to all."""
    monkeypatch.setattr(stages, "_FITTED_TO", 8)
    (part,) = Stage("all", dataset, RECIPE.changed(keep="last")).parts(progress=False)
    some = salmetrics.CentreBias.fit(*salmetrics.subsample(dataset, 8), progress=False)
    expected = salmetrics.CentreBias(*dataset, bandwidth=some.bandwidth, floor=some.floor)
    stimulus = dataset.stimuli[3]
    np.testing.assert_array_equal(
        part.centre_bias.log_density(stimulus), expected.log_density(stimulus)
    )


def test_images_in_training_and_validation(dataset):
    with pytest.warns(UserWarning, match="1 images of 'blobs' are in training and in validation"):
        warn_of_shared(dataset[:2], [["x", "y"], ["y", "z"]])
    with pytest.warns(UserWarning, match="'blobs1'; validation scores are too high"):
        warn_of_shared(dataset[:2], [["x"], ["y", "x"]])
    warn_of_shared(dataset[:2], [["x"], ["y", "z"]])  # nothing shared: no warning


def numbered(n=4):
    """Whole numbers only, so that they are the same on every processor."""
    images = [np.arange(64 * 66 * 3, dtype=np.uint32).reshape(64, 66, 3) + i for i in range(n)]
    images = [(image % 251).astype(np.uint8) for image in images]
    stimuli = Stimuli.from_arrays(images, [f"n{i}" for i in range(n)])
    x, y = np.arange(0, 60, 60 / (3 * n)) // 1, np.arange(60, 0, -60 / (3 * n)) // 1
    fixations = salmetrics.Fixations.from_arrays(x, y, np.repeat(np.arange(n), 3), n_images=n)
    return Dataset("numbered", stimuli, fixations)


@pytest.mark.parametrize(
    ("centre_bias", "recorded"),
    [
        ("fit", "fit"),
        ("gaussian", "1fea6abc3b06b10ad1a84bc8b69d8421"),
        ("uniform", "bc1f7c6937f5e8d4c5740ddc490d9279"),
    ],
)
def test_conditions_are_those_of_trainings_that_exist(centre_bias, recorded):
    """Recorded with version 0.1.0 before its modules moved; other ones refuse all old folders."""
    data = numbered()
    stage = Stage(
        "s",
        data,
        RECIPE,
        folds=Folds({"n0": 0, "n1": 1, "n2": 2, "n3": 0}),
        centre_bias=centre_bias,
        image_weights=[1, 2, 3, 4],
        fixation_weights=np.arange(1.0, 13),
    )
    assert stage.conditions(image_digests(data.stimuli), []) == {
        "stage": "s",
        "data": {
            "images": "5df5401d326eb22ac046ea063ec2f8d0",
            "fixations": "bdd1a0b4ac4c32ac4eb7ad2e805c468c",
        },
        "centre_bias": recorded,
        "folds": "42300886933e7cc1187f1d50450a7f1d",
        "image_weights": "83aea0f3546eb9b88c3860d2df731c4f",
        "fixation_weights": "236fcc3fef8ec96a1bafbb1d8405dbdf",
    }

"""Folds: the published rules, pysaliency's numbers, and what is refused."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysaliency_reference import pysaliency
from sklearn.model_selection import StratifiedKFold

from salmetrics import Folds, InputError, Stimuli
from salmetrics.data.folds import kfold, mit1003, stratified
from salmetrics.datasets import generate_dataset
from salmetrics.io.name_parts import natural_key

N = 1003
CATEGORIES = [f"category {i % 20}" for i in range(N)]
DATASET = generate_dataset(23, size=(24, 32), n_subjects=2).dataset


def ids_of(n):
    return [f"i{k}.jpeg" for k in range(n)]


def stimuli_of(n, **attributes):
    return Stimuli.from_sizes([(3, 4)] * n, ids=ids_of(n), attributes=attributes)


def pysaliency_splits(n, n_folds, k, **options):
    """Indices of images that pysaliency trains, stops and tests model k on."""
    from pysaliency.filter_datasets import crossval_split

    numbers = np.arange(n)
    pictures = np.zeros((n, 2, 2), np.uint8)
    pictures[:, 0, 0], pictures[:, 0, 1] = numbers // 256, numbers % 256
    theirs = pysaliency.Stimuli(
        list(pictures), attributes={"number": numbers, "category": np.array(CATEGORIES[:n])}
    )
    points = pysaliency.Fixations.FixationsWithoutHistory(*np.zeros((3, n)), numbers, numbers)
    for part in ("train", "val", "test"):
        chosen, _ = crossval_split(theirs, points, n_folds, k, split=part, **options)
        yield set(np.array(chosen.attributes["number"]).tolist())


def numbers_of(ids):
    return {int(name[1:-5]) for name in ids}


@pytest.mark.parametrize("k", range(10))
def test_as_pysaliency(k):
    folds = kfold(stimuli_of(N))
    ours = [numbers_of(part(k)) for part in (folds.train, folds.validation, folds.test)]
    assert ours == list(pysaliency_splits(N, 10, k))
    assert len(ours[2]) == (94 if k == 9 else 101)  # the last chunk is shorter


@pytest.mark.parametrize("k", range(10))
def test_stratified_as_pysaliency(k):
    folds = stratified(stimuli_of(N, category=CATEGORIES))
    ours = [numbers_of(part(k)) for part in (folds.train, folds.validation, folds.test)]
    assert ours == list(pysaliency_splits(N, 10, k, stratified_attributes=["category"]))
    counts = np.zeros((20, 10), int)
    for name, fold in folds.items():
        counts[int(name[1:-5]) % 20, fold] += 1
    assert np.ptp(counts, axis=1).max() <= 1


@given(st.lists(st.sampled_from("abc"), min_size=12, max_size=60), st.integers(2, 5))
def test_stratified_as_scikit_learn(kinds, n_folds):
    kinds = [*kinds, *"abc" * n_folds]  # none has fewer images than there are folds
    state = np.random.RandomState(42)
    cut = StratifiedKFold(n_folds, shuffle=True, random_state=state)
    expected = {
        f"i{i}.jpeg": k
        for k, (_, tested) in enumerate(cut.split(np.ones((len(kinds), 1)), kinds))
        for i in tested
    }
    found = stratified(stimuli_of(len(kinds), category=kinds), n_folds=n_folds, order="given")
    assert dict(found) == expected


def test_the_rule_by_hand():
    indices = list(range(10))
    np.random.RandomState(42).shuffle(indices)
    folds = kfold(stimuli_of(10), 4)
    assert [folds.test(k) for k in range(4)] == [
        tuple(f"i{i}.jpeg" for i in sorted(indices[3 * k : 3 * k + 3])) for k in range(4)
    ]


@given(st.permutations(range(40)))
def test_a_permutation_gets_the_same_folds(order):
    whole = stimuli_of(40, category=["in", "out"] * 20)
    for make in (kfold, stratified):
        folds = make(whole, n_folds=3)
        assert dict(make(whole[order], n_folds=3)) == dict(folds)
        np.testing.assert_array_equal(folds.of(whole[order]), folds.of(whole)[order])


def test_a_part_gets_the_folds_of_the_whole():
    whole = stimuli_of(N)
    folds = mit1003(whole)
    assert dict(folds) == dict(kfold(whole))
    part = whole[[5, 900, 17]]
    np.testing.assert_array_equal(folds.of(part), folds.of(whole)[[5, 900, 17]])
    with pytest.raises(
        InputError, match=r"defined on all its 1003 images; got 3. Compute them for"
    ):
        mit1003(part)
    with pytest.raises(InputError, match="1 of 1 images are in no fold: 'new'"):
        folds.of(Stimuli.from_sizes([(3, 4)], ids=["new"]))


def test_natural_order():
    names = ["i10.jpeg", "i9.jpeg", "a/i1.jpeg", "I2", "i9b", ""]
    assert sorted(names, key=natural_key) == ["", "I2", "a/i1.jpeg", "i9.jpeg", "i9b", "i10.jpeg"]
    assert dict(kfold(names, 3, order="given")) != dict(kfold(names, 3))
    odd = ["1", "01", "001", "²", "2", "02"]
    assert dict(kfold(odd, 3)) == dict(kfold(odd[::-1], 3))


@pytest.mark.parametrize(("scheme", "stops_on"), [("deepgaze3", 1), ("deepgaze2", 2)])
def test_schemes(scheme, stops_on):
    folds = Folds({"a": 0, "b": 1, "c": 2, "d": 3, "e": 2}, scheme=scheme)
    assert folds.test(2) == ("c", "e")
    assert folds.validation(2) == folds.test(stops_on)
    assert set(folds.train(2)) == set("abcde") - set(folds.test(2)) - set(folds.validation(2))
    assert folds.validation(0) == folds.test((0 - 2 + stops_on) % 4)


def test_deepgaze2_warns():
    with pytest.warns(UserWarning, match="stops each model on its test images"):
        folds = kfold(stimuli_of(10), 5, scheme="deepgaze2")
    assert folds.scheme == "deepgaze2"
    assert dict(folds) == dict(kfold(stimuli_of(10), 5))


def test_every_image_is_tested_once():
    folds = kfold(stimuli_of(37), 5)
    assert sorted(itertools.chain(*(folds.test(k) for k in range(5)))) == sorted(ids_of(37))
    for k in range(5):
        parts = [set(part(k)) for part in (folds.train, folds.validation, folds.test)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 37


def test_split():
    folds = kfold(DATASET.stimuli, 4)
    for k in range(4):
        train, validation, test = folds.split(DATASET, k)
        assert (train.stimuli.ids, validation.stimuli.ids, test.stimuli.ids) == tuple(
            tuple(sorted(part(k), key=natural_key))
            for part in (folds.train, folds.validation, folds.test)
        )
        assert len(train.fixations) == len(train) * 24


def test_repr():
    folds = Folds({"a": 0, "b": 1, "c": 1}, scheme="deepgaze2")
    assert repr(folds) == "Folds(3 images, 2 folds, scheme 'deepgaze2')"


def test_check():
    folds = Folds({"a": 0, "b": 1, "c": 1})
    folds.check(0, ["b", "c"])
    folds.check(0, ["z"])
    with pytest.raises(
        InputError, match=r"model 1 was trained on 2 of the images .*: 'b', 'c'. Its"
    ):
        folds.check(1, ["a", "b", "c"])


@pytest.mark.parametrize("scheme", ["deepgaze2", "deepgaze3"])
def test_files(scheme, tmp_path):
    folds = Folds({"a,b": 0, "c": 2, "ü": 1}, 5, scheme=scheme)
    folds.save(tmp_path / "folds.csv")
    again = Folds.load(tmp_path / "folds.csv")
    assert list(again.items()) == list(folds.items())
    assert (again.scheme, again.n_folds) == (scheme, 5)
    first = (tmp_path / "folds.csv").read_bytes()
    again.save(tmp_path / "folds.csv")
    assert (tmp_path / "folds.csv").read_bytes() == first


def test_files_that_others_wrote(tmp_path):
    (tmp_path / "x.csv").write_bytes(
        "\ufeffid,fold\na,1\nb,0\n".encode()
    )  # Excel's byte order mark
    folds = Folds.load(tmp_path / "x.csv")
    assert (dict(folds), folds.scheme, folds.n_folds) == ({"a": 1, "b": 0}, "deepgaze3", 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no file"),
        ("", "must have the columns id and fold, and rows"),
        ("id,fold\n", "must have the columns id and fold, and rows"),
        ("name,fold\na,1\n", "must have the columns id and fold"),
        ("id,fold\na,one\n", "folds must be whole numbers"),
        ("id,fold\na,-1\n", "folds must be whole numbers from 0; that of 'a' is -1"),
        ("id,fold\na,0\na,1\n", "has images twice: 'a'"),
        ("id,fold,scheme\na,0,x\nb,1,y\n", "must have one n_folds and one scheme for all rows"),
        ("id,fold,scheme\na,0,x\n", "scheme must be one of 'deepgaze3', 'deepgaze2'"),
        ("id,fold,n_folds\na,5,3\n", "there are 3 folds, and one image is in fold 5"),
        (b"\xff\xfe\x00", "cannot be read as CSV"),
    ],
)
def test_bad_files(text, message, tmp_path):
    if text is not None:
        (tmp_path / "x.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message):
        Folds.load(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Folds({}), "folds must hold at least one image"),
        (lambda: Folds({"a": 0.5}), "that of 'a' is 0.5"),
        (lambda: Folds({"a": 3}, 3), "there are 3 folds, and one image is in fold 3"),
        (lambda: Folds({"a": 0}, scheme="x"), "scheme must be one of 'deepgaze3', 'deepgaze2'"),
        (lambda: Folds({1: 0, "1": 1}), "ids must differ as text; 1 and '1' do not"),
        (lambda: Folds({"a": 0}, 2.5), "n_folds must be a whole number; got 2.5"),
        (lambda: Folds({"a": 0, "b": 1}).train(0), "2 folds leave nothing to train on"),
        (lambda: kfold(stimuli_of(9), 2), "2 folds leave nothing to train on, .* use at least 3"),
        (lambda: Folds({"a": 0}).check(0, "abc"), "ids must be a list of texts; got 'abc' alone"),
        (lambda: Folds({"a": 0}).test(1), "k must be a fold from 0 to 0; got 1"),
        (lambda: kfold(stimuli_of(3), 4), "n_folds must be from 2 to 3, the number of images"),
        (lambda: kfold(stimuli_of(3), 1), "n_folds must be from 2 to 3"),
        (lambda: kfold(stimuli_of(12), 10), "12 images in chunks of 2 fill 6 folds, not 10"),
        (lambda: kfold(["a", "a"], 2), "ids must be unique"),
        (lambda: kfold(["a", "b"], 2, order="x"), "order must be one of 'natural', 'given'"),
        (lambda: stratified(stimuli_of(9), n_folds=3), "attribute must be one of ; got 'category'"),
        (
            lambda: stratified(stimuli_of(21, category=CATEGORIES[:21]), n_folds=2),
            "category 'category 19' has 1 images, fewer than 2 folds|has 1 images, fewer than 2",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_repr_of_kfold():
    folds = kfold(DATASET.stimuli, 4)
    assert repr(folds) == "Folds(23 images, 4 folds, scheme 'deepgaze3')"

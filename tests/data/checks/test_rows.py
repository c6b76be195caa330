"""Rows: copies, raw samples and lost gaze are found, and ordinary rows are not accused."""

import numpy as np
import pytest

from salmetrics import Fixations, Stimuli
from salmetrics.data.checks.positions import position_findings
from salmetrics.data.checks.rows import row_findings
from salmetrics.datasets import generate_dataset
from salmetrics.errors import InputWarning

STIMULI, FIXATIONS = generate_dataset(12, size=(60, 80), seed=3).dataset
RNG = np.random.default_rng(0)


def codes(findings):
    return [(finding.level, finding.code) for finding in findings]


def moved(x=None, y=None, fixations=FIXATIONS):
    """Return the fixations at other places."""
    columns = dict(fixations.columns)
    columns["x"] = np.array(fixations.x if x is None else x, dtype=float)
    columns["y"] = np.array(fixations.y if y is None else y, dtype=float)
    return Fixations(columns, fixations.n_images)


def test_fixations_that_occur_several_times():
    twice = FIXATIONS[np.tile(np.arange(len(FIXATIONS)), 2)]
    (finding,) = position_findings(STIMULI, twice)
    assert (finding.level, finding.code) == ("warning", "repeated")
    n = 2 * len(FIXATIONS)
    assert "each place occurs 2 times" in finding.message
    assert f"for {n} of {n} fixations" in finding.message
    times = np.arange(len(FIXATIONS)) % 3 + 2
    (samples,) = position_findings(STIMULI, FIXATIONS[np.repeat(np.arange(len(times)), times)])
    assert "each place occurs about 3 times: if they are raw samples" in samples.message
    half = np.r_[: len(FIXATIONS), : len(FIXATIONS) // 2]
    assert position_findings(STIMULI, FIXATIONS[half]) == []


def test_dense_counts_of_one_image_do_not_repeat():
    counts = np.random.default_rng(0).poisson(6, (20, 25))
    with pytest.warns(InputWarning, match="read with values='counts' though they look otherwise"):
        dense = Fixations.from_maps([counts], values="counts")
    assert position_findings(Stimuli.from_sizes([(20, 25)]), dense) == []


def test_lost_gaze_at_one_place():
    lost = np.arange(len(FIXATIONS)) % 10 == 0
    found = position_findings(
        STIMULI, moved(np.where(lost, 0, FIXATIONS.x), np.where(lost, 0, FIXATIONS.y))
    )
    assert codes(found) == [("warning", "coinciding")]
    assert f"{lost.sum()} of {len(lost)} fixations are at exactly x=0, y=0, on 12 images" in (
        found[0].message
    )
    on_one = lost & (FIXATIONS.image == 2)  # a mouse that was not moved, say
    assert not position_findings(
        STIMULI, moved(np.where(on_one, 0, FIXATIONS.x), np.where(on_one, 0, FIXATIONS.y))
    )


def test_lost_gaze_on_the_only_image():
    alone = STIMULI[:1]
    x, y = RNG.uniform(10, 80, 20), RNG.uniform(10, 60, 20)
    for n, found in ((5, [("warning", "coinciding")]), (4, [])):
        lost = Fixations.from_arrays(np.r_[np.zeros(n), x[n:]], np.r_[np.zeros(n), y[n:]], [0] * 20)
        assert codes(position_findings(alone, lost)) == found
    assert position_findings(alone, FIXATIONS.select_images([0])) == []


LARGE = Stimuli.from_sizes([(600, 800)] * 4)


def samples(jitter, **columns):
    """Return gaze of 3 people on 4 images, 15 samples for each of 10 fixations."""
    rng = np.random.default_rng(1)
    image, subject = np.divmod(np.arange(12), 3)
    rows = np.repeat(np.arange(120), 15)
    x = rng.uniform(100, 700, 120)[rows] + rng.normal(0, jitter, len(rows))
    y = rng.uniform(100, 500, 120)[rows] + rng.normal(0, jitter, len(rows))
    cells = rows // 10
    return Fixations.from_arrays(x, y, image[cells], subject=subject[cells], **columns)


@pytest.mark.parametrize("jitter", [0.5, 2, 8])
@pytest.mark.parametrize("shuffled", [False, True])
def test_raw_samples(jitter, shuffled):
    gaze = samples(jitter)
    if shuffled:  # people in turns, as of a table sorted by time
        gaze = gaze[np.argsort(np.tile(np.arange(150), 12), kind="stable")]
    (finding,) = row_findings(LARGE, gaze)
    assert (finding.level, finding.code) == ("warning", "samples")
    assert "of 1788 steps from one row to the next are shorter than 3 %" in finding.message
    assert "about 150 rows per image and subject" in finding.message
    assert row_findings(LARGE, gaze, placed=False) == []


def test_raw_samples_of_a_noisy_tracker_have_regular_times():
    times = np.arange(1800) * 33.3
    regular = samples(20, timestamp_ms=times)
    (finding,) = row_findings(LARGE, regular)
    assert "shorter than 5 %" in finding.message
    assert row_findings(LARGE, samples(20)) == []
    assert row_findings(LARGE, samples(20, index=times)) == []
    irregular = np.cumsum(np.random.default_rng(0).gamma(4, 60, 1800))
    assert row_findings(LARGE, samples(20, timestamp_ms=irregular)) == []
    assert row_findings(LARGE, samples(400, timestamp_ms=times)) == []


def test_dense_counts_are_not_samples():
    counts = np.random.default_rng(0).poisson(0.4, (60, 80))
    with pytest.warns(InputWarning, match="read with values='counts' though they look otherwise"):
        dense = Fixations.from_maps([counts] * 4, values="counts")
    assert row_findings(Stimuli.from_sizes([(60, 80)] * 4), dense) == []


def test_one_row_per_fixation_is_not_a_sample():
    gaze = samples(2)
    assert row_findings(LARGE, gaze[::15]) == []
    assert row_findings(LARGE, gaze[:50]) == []


def test_places_on_a_grid_do_not_repeat_in_a_row():
    rng = np.random.default_rng(0)
    x, y = np.clip(rng.normal([[400], [300]], 80, (2, 8000)), 0, [[799], [599]]) // 10 * 10
    image = rng.integers(0, 4, 8000)
    for subject in (None, np.arange(8000) % 3):
        gaze = Fixations.from_arrays(x, y, image, subject=subject)
        assert row_findings(LARGE, gaze) == []


def test_subjects_are_named_if_there_are_some():
    alone = FIXATIONS[FIXATIONS.subject == FIXATIONS.subject[0]]
    for fixations, said in ((FIXATIONS, True), (alone, False)):
        n = len(fixations)
        (copies,) = row_findings(STIMULI, fixations[np.tile(np.arange(n), 2)])
        (gaze,) = row_findings(STIMULI, fixations[np.repeat(np.arange(n), np.arange(n) % 3 + 2)])
        assert ["subject" in finding.message for finding in (copies, gaze)] == [said] * 2


def small_steps(**columns):
    """Return fixations of 3 people on 4 images, whose steps are as short as those of samples."""
    return samples(8, **columns)


@pytest.mark.parametrize("unit", [0.001, 1, 1000])
def test_times_that_are_those_of_fixations(unit):
    rng = np.random.default_rng(2)
    durations = rng.gamma(4, 60, 1800) * unit
    assert row_findings(LARGE, small_steps(duration=durations)) == []
    assert row_findings(LARGE, small_steps(t_start=np.cumsum(durations + 30 * unit))) == []
    of_samples = (
        {"duration": durations[np.arange(1800) // 15]},  # that of the fixation, for each sample
        {"duration": np.full(1800, 16.7 * unit)},
        {"t_start": np.arange(1800) * 100 * unit},  # of a slow tracker
        {"t_start": np.cumsum(rng.uniform(10, 50, 1800)) * unit},  # of a browser
        {"trial": durations},
    )
    for columns in of_samples:
        assert codes(row_findings(LARGE, small_steps(**columns))) == [("warning", "samples")]

"""Fixations in gaze recordings, between saccades that an acceleration rule detects."""

import numpy as np

from salmetrics.kernels.jit import kernel

__all__ = ["accelerations", "fixation_table", "fixations_between", "median_of_valid", "saccades"]

_WINDOW = 4  # samples, of the moving average
_SHORTEST_SACCADE = 3  # samples above the threshold
_SEARCH = 25  # samples in which a saccade must decelerate
_SHORTEST_FIXATION = 12  # samples: 50 ms at 240 Hz


@kernel()
def accelerations(gaze, rate):  # type: ignore[no-untyped-def]
    """Differences of smoothed speed at each sample of gaze (n, 2); 0 at both ends, NaN near NaN."""
    n = len(gaze)
    speed = np.zeros(n)
    for i in range(1, n):
        dx, dy = gaze[i, 0] - gaze[i - 1, 0], gaze[i, 1] - gaze[i - 1, 1]
        speed[i] = np.sqrt(dx * dx + dy * dy)
    smooth = np.zeros(n)
    for i in range(n):
        for k in range(max(0, i - _WINDOW + 1), i + 1):  # no running sum: zeros stay zeros
            smooth[i] += speed[k]
        smooth[i] /= _WINDOW
    differences = np.zeros(n)
    seconds = _WINDOW / rate
    for i in range(1, n - 5):
        first, second = 0.0, 0.0
        for k in range(i, i + _WINDOW + 1):  # one more term than the window has, as published
            first += smooth[k]
            second += smooth[k + 1]
        differences[i] = second / seconds - first / seconds
    return differences


@kernel()
def saccades(acceleration, threshold):  # type: ignore[no-untyped-def]
    """First and last samples of saccades, shape (k, 2), from `accelerations`."""
    n = len(acceleration)
    runs = np.empty((n // _SHORTEST_SACCADE + 1, 2), np.int64)
    n_runs, start = 0, -1
    for i in range(n + 1):
        above = i < n and acceleration[i] > threshold
        if above and start < 0:
            start = i
        if not above and start >= 0:
            if i - start >= _SHORTEST_SACCADE:
                runs[n_runs] = start, i - 1
                n_runs += 1
            start = -1
    last_moving = n - 1
    while last_moving > 0 and acceleration[last_moving] == 0:
        last_moving -= 1
    accepted = np.empty((n_runs, 2), np.int64)
    k = 0
    for j in range(n_runs):
        first, last = runs[j]
        q, remaining, in_time = last + 1, _SEARCH, True
        while True:
            slows = q < n and acceleration[q] < -threshold
            hit = slows and not (q + 1 < n and acceleration[q + 1] < -threshold)
            if hit or not in_time:
                break
            q += 1
            remaining -= 1
            in_time = q + 2 < n and remaining > 0
        if hit and in_time:
            accepted[k] = first, q
            k += 1
        elif n_runs == 1 and last == last_moving:  # the recording ends in it
            accepted[k] = first, n - 1
            k += 1
    return accepted[:k]


@kernel()
def fixations_between(moves, n):  # type: ignore[no-untyped-def]
    """First and last samples of the fixations between saccades, shape (k, 2)."""
    k = len(moves)
    ends = np.empty((k + 1, 2), np.int64)
    if k == 0:
        ends[0] = 0, n - 1
        return ends
    ends[0] = 0, moves[0, 0] - 1
    count = 1
    for j in range(1, k):
        if moves[j, 0] - moves[j - 1, 1] > _SHORTEST_FIXATION:
            ends[count] = moves[j - 1, 1] + 1, moves[j, 0] - 1
            count += 1
    start = moves[k - 1, 1] + 1
    if n - start > _SHORTEST_FIXATION:
        ends[count] = start, n - 1
        count += 1
    return ends[:count]


@kernel()
def median_of_valid(values):  # type: ignore[no-untyped-def]
    """Median of the values that are not NaN; NaN if there are none."""
    kept = np.sort(values[~np.isnan(values)])
    n = len(kept)
    if n == 0:
        return np.nan
    return 0.5 * (kept[(n - 1) // 2] + kept[n // 2])


@kernel()
def fixation_table(gaze, rate, threshold):  # type: ignore[no-untyped-def]
    """First and last sample (from 1) and median x and y of each fixation in gaze (n, 2)."""
    moves = saccades(accelerations(gaze, rate), threshold)
    ends = fixations_between(moves, len(gaze))
    table = np.empty((len(ends), 4))
    for k in range(len(ends)):
        first, last = ends[k]
        table[k, 0], table[k, 1] = first + 1, last + 1
        for axis in range(2):
            table[k, 2 + axis] = median_of_valid(gaze[first : last + 1, axis])
    return table

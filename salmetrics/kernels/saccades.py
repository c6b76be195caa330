"""Fixations between saccades that an acceleration rule finds in gaze recordings."""

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
    found = np.zeros(n)
    seconds = _WINDOW / rate
    for i in range(1, n - 5):
        now, then = 0.0, 0.0
        for k in range(i, i + _WINDOW + 1):  # one more term than the window has, as published
            now += smooth[k]
            then += smooth[k + 1]
        found[i] = then / seconds - now / seconds
    return found


@kernel()
def saccades(found, threshold):  # type: ignore[no-untyped-def]
    """First and last samples of saccades, shape (k, 2), from accelerations."""
    n = len(found)
    runs = np.empty((n // _SHORTEST_SACCADE + 1, 2), np.int64)
    n_runs, start = 0, -1
    for i in range(n + 1):
        above = i < n and found[i] > threshold
        if above and start < 0:
            start = i
        if not above and start >= 0:
            if i - start >= _SHORTEST_SACCADE:
                runs[n_runs] = start, i - 1
                n_runs += 1
            start = -1
    last_moving = n - 1
    while last_moving > 0 and found[last_moving] == 0:
        last_moving -= 1
    accepted = np.empty((n_runs, 2), np.int64)
    k = 0
    for j in range(n_runs):
        first, last = runs[j]
        q, left, in_time = last + 1, _SEARCH, True
        while True:
            slows = q < n and found[q] < -threshold
            hit = slows and not (q + 1 < n and found[q + 1] < -threshold)
            if hit or not in_time:
                break
            q += 1
            left -= 1
            in_time = q + 2 < n and left > 0
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
    found = np.empty((k + 1, 2), np.int64)
    if k == 0:
        found[0] = 0, n - 1
        return found
    found[0] = 0, moves[0, 0] - 1
    count = 1
    for j in range(1, k):
        if moves[j, 0] - moves[j - 1, 1] > _SHORTEST_FIXATION:
            found[count] = moves[j - 1, 1] + 1, moves[j, 0] - 1
            count += 1
    end = moves[k - 1, 1] + 1
    if n - end > _SHORTEST_FIXATION:
        found[count] = end, n - 1
        count += 1
    return found[:count]


@kernel()
def median_of_valid(values):  # type: ignore[no-untyped-def]
    """Median of the values that are numbers; NaN if none is."""
    kept = np.sort(values[~np.isnan(values)])
    n = len(kept)
    if n == 0:
        return np.nan
    return 0.5 * (kept[(n - 1) // 2] + kept[n // 2])


@kernel()
def fixation_table(gaze, rate, threshold):  # type: ignore[no-untyped-def]
    """First and last samples, from 1, and median x and y of the fixations in gaze (n, 2)."""
    found = accelerations(gaze, rate)
    ends = fixations_between(saccades(found, threshold), len(gaze))
    table = np.empty((len(ends), 4))
    for k in range(len(ends)):
        first, last = ends[k]
        table[k, 0], table[k, 1] = first + 1, last + 1
        for axis in range(2):
            table[k, 2 + axis] = median_of_valid(gaze[first : last + 1, axis])
    return table

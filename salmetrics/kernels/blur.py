"""Gaussian blurs: of a dense map, and of a few points."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.kernels.jit import kernel, kernel_input

__all__ = [
    "blur_dense",
    "blur_points",
    "blurred_dense_at",
    "blurred_points_at",
    "gaussian_weights",
    "mirrored",
    "pair_tables",
]

_STRIP = 8  # columns blurred together in the vertical pass: one vector register of float64
_TOGETHER = 4  # points and rows that `_add_kernels` treats together
_CHUNK = 1024  # outputs that one run over all taps keeps in the level-1 cache


def gaussian_weights(sigma: float, truncate: float) -> NDArray[np.float64]:
    """Half of a normalised Gaussian: weights at distances 0, 1, ..., int(truncate * sigma + 0.5).

    The full kernel, weights[::-1] joined to weights[1:], sums to 1, as in scipy.ndimage.
    """
    distance = np.arange(int(truncate * sigma + 0.5) + 1)
    if distance.size == 1:
        return np.ones(1)
    weights = np.exp(-0.5 / (sigma * sigma) * distance**2)
    return weights / (2.0 * weights.sum() - weights[0])


def blur_dense(
    image: NDArray[Any],
    row_weights: NDArray[np.float64],
    column_weights: NDArray[np.float64],
    reflect: bool,
) -> NDArray[np.float64]:
    """Convolve a map with a separable symmetric kernel.

    Parameters
    ----------
    image
        Shape (h, w).
    row_weights, column_weights
        Half kernels along y and along x, from `gaussian_weights`.
    reflect
        Whether the map continues by reflection (d c b a | a b c d | d c b a); else by zeros.

    Returns
    -------
    blurred : ndarray of float64, shape (h, w)
        The convolved map.
    """
    image = kernel_input(image)
    if image.dtype == np.uint8:
        image = kernel_input(image, np.float32)
    middle = np.empty(image.shape)
    result = np.empty(image.shape)
    _blur_rows(image, column_weights, reflect, middle)
    _blur_columns(middle, row_weights, reflect, result)
    return result


def blur_points(
    size: tuple[int, int],
    ys: NDArray[np.int64],
    xs: NDArray[np.int64],
    masses: NDArray[np.float64],
    row_weights: NDArray[np.float64],
    column_weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum of separable symmetric kernels around points.

    Parameters
    ----------
    size
        (h, w) of the result.
    ys, xs
        Rows and columns of the points, shape (n,); points may lie outside the map, as far as
        kernels reach.
    masses
        Factor of each kernel, shape (n,).
    row_weights, column_weights
        Half kernels along y and along x, from distance 0 up.

    Returns
    -------
    blurred : ndarray of float64, shape (h, w)
        The sum of the kernels.
    """
    height, width = size
    order = np.argsort(xs, kind="stable")  # points that are treated together then share columns
    result = np.empty((height + -height % _TOGETHER, width))
    _add_kernels(
        ys[order],
        xs[order],
        masses[order],
        _profile(row_weights, height),
        row_weights.size - 1,
        _profile(column_weights, width),
        column_weights.size - 1,
        result,
    )
    return result[:height]


def blurred_points_at(
    row_tables: tuple[NDArray[np.float64], NDArray[np.float64]],
    column_tables: tuple[NDArray[np.float64], NDArray[np.float64]],
    ys: NDArray[np.int64],
    xs: NDArray[np.int64],
    masses: NDArray[np.float64],
    ends: NDArray[np.int64],
    at_y: NDArray[np.int64],
    at_x: NDArray[np.int64],
    at_ends: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Evaluate the blurred points of several images of one size at some places, without the maps.

    Parameters
    ----------
    row_tables, column_tables
        From `pair_tables`.
    ys, xs, masses
        Rows and columns of the points and factors of their kernels, image by image, shape (n,).
    ends
        End of each image's points in these arrays, shape (n_images,).
    at_y, at_x
        Rows and columns of the places, image by image, shape (m,).
    at_ends
        End of each image's places in these arrays, shape (n_images,).

    Returns
    -------
    values : ndarray of float64, shape (m,)
        Value of the image's blurred points at each place.
    """
    result = np.empty(at_y.size)
    tables = (*row_tables, *column_tables)
    _sum_pairs(*tables, ys, xs, masses, ends, at_y, at_x, at_ends, result)
    return result


def pair_tables(
    weights: NDArray[np.float64], length: int, reflect: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tabulate the kernel between two positions a and b of a line: near[|a - b|] + far[a + b + 1].

    Parameters
    ----------
    weights
        Half kernel, from distance 0 up.
    length
        Length of the line in pixels.
    reflect
        Whether both ends of the line mirror the points; `far` is 0 if they do not.

    Returns
    -------
    near : ndarray of float64, shape (length,)
        Kernel by distance.
    far : ndarray of float64, shape (2 * length,)
        Kernel by distance from a mirrored point.
    """
    near, far = np.zeros(length), np.zeros(2 * length)
    if not reflect:
        near[: weights.size] = weights[:length]
        return near, far
    for shift in range(0, weights.size + 2 * length, 2 * length):
        for sign in (1, -1) if shift else (1,):
            for table in (near, far):
                distance = np.abs(np.arange(table.size) + sign * shift)
                reached = distance < weights.size
                table[reached] += weights[distance[reached]]
    return near, far


def blurred_dense_at(
    image: NDArray[np.float64],
    at_y: NDArray[np.int64],
    at_x: NDArray[np.int64],
    row_weights: NDArray[np.float64],
    column_weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return `blur_dense` of a map that continues by zeros, at some places only, shape (m,).

    Places may lie outside the map, as far as the kernel reaches.
    """
    result = np.empty(at_y.size)
    _sum_windows(
        kernel_input(image, np.float64),
        at_y,
        at_x,
        _whole(row_weights),
        _whole(column_weights),
        result,
    )
    return result


def mirrored(
    positions: NDArray[np.int64], length: int, radius: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return points and their reflections at both ends of a line, as far as kernels reach into it.

    Parameters
    ----------
    positions
        Positions of the points on the line, shape (n,).
    length
        Length of the line in pixels.
    radius
        Largest distance that a kernel reaches.

    Returns
    -------
    which : ndarray of int64
        Index into `positions` of each point and each reflection.
    where : ndarray of int64
        Position of each.
    """
    periods = 2 * length * np.arange(-(radius // (2 * length)) - 1, radius // (2 * length) + 2)
    where = np.concatenate(
        [positions + periods[:, np.newaxis], periods[:, np.newaxis] - 1 - positions]
    )
    which = np.broadcast_to(np.arange(positions.size), where.shape)
    near = (where >= -radius) & (where < length + radius)
    return which[near], where[near]


def _whole(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the whole kernel from half of it."""
    return np.concatenate([weights[:0:-1], weights])


def _profile(weights: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Return the whole kernel between zeros, so that a slice of it is one line of a blurred point.

    The centre is at length + radius; `_add_kernels` asks for rows slightly beyond the map.
    """
    middle = length + weights.size - 1
    profile = np.zeros(2 * middle + 1 + _TOGETHER)
    profile[middle : middle + weights.size] = weights
    profile[middle - weights.size + 1 : middle + 1] = weights[::-1]
    return profile


@kernel(fast_sums=True)
def _add_kernels(  # type: ignore[no-untyped-def]
    ys, xs, masses, row_profile, row_radius, column_profile, column_radius, result
):
    """Set result to the sum of kernels around points, within their reach.

    Four points are added to four rows at a time, so that each loaded value is used four times,
    and all lines are slices of one short array: 0.6 ms for 140 points on 800x600 with
    sigma = 24, where one point and one row at a time take 1.2 ms and a matrix product 2.0 ms.
    The number of rows of `result` is a multiple of four; rows beyond the map are meaningless.
    """
    n = ys.size
    height, width = result.shape
    row_middle = (row_profile.size - 1 - _TOGETHER) // 2
    column_middle = (column_profile.size - 1 - _TOGETHER) // 2
    near = np.zeros(n + _TOGETHER, np.int64)
    f = np.zeros((_TOGETHER, _TOGETHER))  # of four rows, for four points
    for i in range(0, height, _TOGETHER):
        result[i : i + _TOGETHER] = 0.0
        n_near = 0
        for k in range(n):
            near[n_near] = k
            n_near += (ys[k] - row_radius < i + _TOGETHER) & (i <= ys[k] + row_radius)
        near[n_near : n_near + _TOGETHER] = near[max(n_near - 1, 0)]  # to complete the last four
        for first in range(0, n_near, _TOGETHER):
            f[:] = 0.0
            start = width
            stop = 0
            for k in range(min(_TOGETHER, n_near - first)):
                point = near[first + k]
                start = min(start, max(0, xs[point] - column_radius))
                stop = max(stop, min(width, xs[point] + column_radius + 1))
                for row in range(_TOGETHER):
                    f[row, k] = masses[point] * row_profile[i + row - ys[point] + row_middle]
            offset = start + column_middle
            n_columns = stop - start
            a = column_profile[offset - xs[near[first]] :][:n_columns]
            b = column_profile[offset - xs[near[first + 1]] :][:n_columns]
            c = column_profile[offset - xs[near[first + 2]] :][:n_columns]
            d = column_profile[offset - xs[near[first + 3]] :][:n_columns]
            line_0 = result[i, start:stop]
            line_1 = result[i + 1, start:stop]
            line_2 = result[i + 2, start:stop]
            line_3 = result[i + 3, start:stop]
            a0, b0, c0, d0 = f[0, 0], f[0, 1], f[0, 2], f[0, 3]
            a1, b1, c1, d1 = f[1, 0], f[1, 1], f[1, 2], f[1, 3]
            a2, b2, c2, d2 = f[2, 0], f[2, 1], f[2, 2], f[2, 3]
            a3, b3, c3, d3 = f[3, 0], f[3, 1], f[3, 2], f[3, 3]
            for j in range(n_columns):
                line_0[j] += a0 * a[j] + b0 * b[j] + c0 * c[j] + d0 * d[j]
                line_1[j] += a1 * a[j] + b1 * b[j] + c1 * c[j] + d1 * d[j]
                line_2[j] += a2 * a[j] + b2 * b[j] + c2 * c[j] + d2 * d[j]
                line_3[j] += a3 * a[j] + b3 * b[j] + c3 * c[j] + d3 * d[j]


@kernel()
def _sum_pairs(  # type: ignore[no-untyped-def]
    near_y, far_y, near_x, far_x, ys, xs, masses, ends, at_y, at_x, at_ends, result
):
    """Set result to the sum of kernels of the points of the same image, at each place.

    Tables replace reflected points: 0.06 ms for 140 points of an image evaluated at each other.
    Without reordered sums the compiler does not vectorise with gathers, and unsigned indices need
    no test of their sign: 0.3 ms without these two.
    """
    start = 0
    at_start = 0
    for image in range(ends.size):
        for i in range(at_start, at_ends[image]):
            total = 0.0
            for k in range(start, ends[image]):
                down = near_y[np.uint64(abs(at_y[i] - ys[k]))]
                down += far_y[np.uint64(at_y[i] + ys[k] + 1)]
                right = near_x[np.uint64(abs(at_x[i] - xs[k]))]
                right += far_x[np.uint64(at_x[i] + xs[k] + 1)]
                total += masses[k] * down * right
            result[i] = total
        start = ends[image]
        at_start = at_ends[image]


@kernel(fast_sums=True)
def _sum_windows(image, at_y, at_x, row_kernel, column_kernel, result):  # type: ignore[no-untyped-def]
    """Set result to the weighted sum of the map around each place."""
    height, width = image.shape
    for k in range(at_y.size):
        top = at_y[k] - row_kernel.size // 2
        left = at_x[k] - column_kernel.size // 2
        first = max(0, left)
        n = min(width, left + column_kernel.size) - first
        weights = column_kernel[first - left :][:n]
        total = 0.0
        for i in range(max(0, top), min(height, top + row_kernel.size)):
            line = image[i, first : first + n]
            along = 0.0
            for j in range(n):
                along += weights[j] * line[j]
            total += row_kernel[i - top] * along
        result[k] = total


@kernel(fast_sums=True)
def _convolve(padded, weights, stride, result):  # type: ignore[no-untyped-def]
    """result[i] = sum over k of weights[|k|] * padded[i + (radius + k) * stride].

    The outer loop runs over taps and the inner one over outputs, so the inner loop is a plain
    vector operation; two taps per turn halve the traffic to `result`.
    """
    radius = weights.size - 1
    for start in range(0, result.size, _CHUNK):
        out = result[start : start + _CHUNK]
        n = out.size
        centre = padded[start + radius * stride :][:n]
        for i in range(n):
            out[i] = weights[0] * centre[i]
        k = 1
        while k < radius:
            left = padded[start + (radius - k) * stride :][:n]
            right = padded[start + (radius + k) * stride :][:n]
            left_next = padded[start + (radius - k - 1) * stride :][:n]
            right_next = padded[start + (radius + k + 1) * stride :][:n]
            weight = weights[k]
            weight_next = weights[k + 1]
            for i in range(n):
                out[i] += weight * (left[i] + right[i]) + weight_next * (
                    left_next[i] + right_next[i]
                )
            k += 2
        if k == radius:
            left = padded[start:][:n]
            right = padded[start + 2 * radius * stride :][:n]
            weight = weights[radius]
            for i in range(n):
                out[i] += weight * (left[i] + right[i])


@kernel()
def _source_index(i, length, reflect):  # type: ignore[no-untyped-def]
    """Return the position that a padded position takes its value from; -1 for zero."""
    if 0 <= i < length:
        return i
    if not reflect:
        return -1
    i %= 2 * length
    return i if i < length else 2 * length - 1 - i


@kernel()
def _blur_rows(image, weights, reflect, result):  # type: ignore[no-untyped-def]
    """Blur along x."""
    height, width = image.shape
    radius = weights.size - 1
    padded = np.zeros(width + 2 * radius)
    sources = np.empty(width + 2 * radius, np.int64)
    for j in range(padded.size):
        sources[j] = _source_index(j - radius, width, reflect)
    for i in range(height):
        for j in range(padded.size):
            if sources[j] >= 0:
                padded[j] = image[i, sources[j]]
        _convolve(padded, weights, 1, result[i])


@kernel()
def _blur_columns(image, weights, reflect, result):  # type: ignore[no-untyped-def]
    """Blur along y, a strip of columns at a time: one row of the strip is one stride."""
    height, width = image.shape
    radius = weights.size - 1
    padded = np.zeros((height + 2 * radius, _STRIP))
    blurred = np.empty((height, _STRIP))
    for start in range(0, width, _STRIP):
        n = min(_STRIP, width - start)
        for i in range(padded.shape[0]):
            source = _source_index(i - radius, height, reflect)
            if source >= 0:
                for j in range(n):
                    padded[i, j] = image[source, start + j]
        _convolve(padded.reshape(padded.size), weights, _STRIP, blurred.reshape(blurred.size))
        for i in range(height):
            for j in range(n):
                result[i, start + j] = blurred[i, j]

"""What Hypothesis draws: small maps with a few fixations."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

__all__ = ["fixated_maps", "log_densities", "maps", "pairs", "points"]

SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7)


def maps(shape=SHAPES, low=-30, high=30):
    """Maps of small integers: full of ties, and exact under shifts and whole factors.

    A map is one draw of bytes, which takes a tenth of the time of a draw for each pixel; the fewer
    values there are, the more ties.
    """
    values = np.array(sorted(range(low, high + 1), key=abs), float)
    shapes = shape if isinstance(shape, st.SearchStrategy) else st.just(shape)

    def of_bytes(size):
        n = size[0] * size[1]
        return st.tuples(st.integers(1, values.size), st.binary(min_size=n, max_size=n)).map(
            lambda drawn: values[np.frombuffer(drawn[1], np.uint8) % drawn[0]].reshape(size)
        )

    return shapes.flatmap(of_bytes)


def points(shape, min_size=1):
    """Positions (x, y), repeated ones among them."""
    flat = st.lists(st.integers(0, shape[0] * shape[1] - 1), min_size=min_size, max_size=9)
    return flat.map(lambda p: tuple(np.divmod(np.array(p, int), shape[1])[::-1]))


@st.composite
def fixated_maps(draw, low=-30, high=30, min_size=1):
    """(map, x, y)."""
    m = draw(maps(low=low, high=high))
    return m, *draw(points(m.shape, min_size))


@st.composite
def pairs(draw, low=-30, high=30):
    """Two maps of one shape."""
    shape = draw(SHAPES)
    return draw(maps(shape, low, high)), draw(maps(shape, low, high))


@st.composite
def log_densities(draw, n=1):
    """(x, y, *logs of `n` densities of one shape, without zeros)."""
    shape = draw(SHAPES)
    weights = [draw(maps(shape, 1, 30)) for _ in range(n)]
    return *draw(points(shape)), *(np.log(w / w.sum()) for w in weights)

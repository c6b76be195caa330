"""The structure of .mat files of version 5, checked before SciPy reads them.

SciPy trusts the lengths that a file declares, and a damaged one can end the whole program. The
layout is that of "MAT-File Format" (The MathWorks), chapter 1: elements of a type, a number of
bytes and a content, nested in matrices.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from typing import IO, Literal

__all__ = ["check_structure"]

Order = Literal["little", "big"]

_HEADER = 128  # bytes
_LARGEST = 2**32  # bytes of one variable
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15
_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 16, 17
_NUMBERS = range(6, 16)
_COMPLEX = 1 << 11  # in the flags of a matrix


def check_structure(stream: IO[bytes]) -> None:
    """Raise `ValueError` unless all lengths in a file fit into each other.

    Parameters
    ----------
    stream
        Seekable file, at its beginning, where it is afterwards.
    """
    header = stream.read(_HEADER)
    if len(header) < _HEADER or header[126:128] not in (b"IM", b"MI"):
        stream.seek(0)
        return  # of version 4, or none, which SciPy finds out
    order: Order = "little" if header[126:128] == b"IM" else "big"
    while tag := stream.read(8):
        kind, size = (int.from_bytes(part, order) for part in (tag[:4], tag[4:]))
        content = stream.read(size)
        if len(tag) < 8 or len(content) < size:
            raise ValueError("the file is truncated")
        if kind == _COMPRESSED:
            content = _decompressed(content)
            ((kind, content),) = _elements(content, order)
        if kind != _MATRIX:
            raise ValueError(f"it holds an element of type {kind} in place of a variable")
        _check_matrix(content, order)
    stream.seek(0)


def _decompressed(content: bytes) -> bytes:
    stream = zlib.decompressobj()
    content = stream.decompress(content, _LARGEST)
    if not stream.eof:
        raise ValueError("a compressed variable is truncated, or too large")
    return content


def _elements(content: bytes, order: Order) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of each element; small ones share eight bytes with their tag."""
    at = 0
    while at < len(content):
        if at + 8 > len(content):
            raise ValueError("an element is truncated")
        kind, size = (int.from_bytes(content[k : k + 4], order) for k in (at, at + 4))
        start, after = at + 8, at + 8 + size + -size % 8
        if kind >> 16:
            kind, size, start, after = kind & 0xFFFF, kind >> 16, at + 4, at + 8
            if size > 4:
                raise ValueError(f"a small element declares {size} bytes")
        if start + size > len(content):
            raise ValueError("an element is longer than what it is in")
        yield kind, content[start : start + size]
        at = after


def _check_matrix(content: bytes, order: Order) -> None:
    """Check a matrix and everything in it; one without content is an empty cell."""
    if not content:
        return
    elements = _elements(content, order)
    flags = _next(elements, _UINT32)
    if len(flags) != 8:
        raise ValueError("the flags of a variable are damaged")
    flag = int.from_bytes(flags[:4], order)
    kind = flag & 0xFF
    if kind == _OPAQUE:
        for _ in range(3):  # names of the variable and of its class
            _next(elements, _INT8)
        return _check_matrices(elements, order, 1)
    sizes = _next(elements, _INT32)
    shape = [int.from_bytes(sizes[k : k + 4], order, signed=True) for k in range(0, len(sizes), 4)]
    if len(sizes) % 4 or not 2 <= len(shape) <= 32 or min(shape) < 0:
        raise ValueError(f"a variable declares the shape {shape}")
    n = math.prod(shape)
    _next(elements, _INT8)  # the name
    if kind == _CELL:
        return _check_matrices(elements, order, n)
    if kind == _FUNCTION:
        return _check_matrices(elements, order, 1)
    if kind in (_STRUCT, _OBJECT):
        if kind == _OBJECT:
            _next(elements, _INT8)
        length = int.from_bytes(_next(elements, _INT32), order, signed=True)
        names = _next(elements, _INT8)
        if length < 1 or len(names) % length:
            raise ValueError("the names of the fields of a struct are damaged")
        return _check_matrices(elements, order, n * (len(names) // length))
    if kind not in (_CHAR, _SPARSE, *_NUMBERS):
        raise ValueError(f"a variable is of class {kind}, which does not exist")
    parts = list(elements)
    if any(stored not in _BYTES for stored, _ in parts):
        raise ValueError("a variable holds numbers of a type that does not exist")
    n_values = [len(part) // _BYTES[stored] for stored, part in parts]
    is_complex = bool(flag & _COMPLEX)
    if kind in _NUMBERS and n_values != [n] * (1 + is_complex):
        raise ValueError(f"a variable of shape {shape} holds {n_values} numbers")
    if kind == _CHAR and (len(n_values) != 1 or n_values[0] < n):
        raise ValueError(f"a text of shape {shape} holds {n_values} characters")
    if kind == _SPARSE and (len(n_values) != 3 + is_complex or n_values[1] != shape[1] + 1):
        raise ValueError(f"a sparse variable of shape {shape} holds {n_values} numbers")


def _check_matrices(elements: Iterator[tuple[int, bytes]], order: Order, n: int) -> None:
    """Check that there are n more elements, which are matrices."""
    for _ in range(n):
        _check_matrix(_next(elements, _MATRIX), order)
    if next(elements, None) is not None:
        raise ValueError("a variable holds more than it declares")


def _next(elements: Iterator[tuple[int, bytes]], kind: int) -> bytes:
    found, content = next(elements, (0, b""))
    if found != kind:
        raise ValueError(f"an element of type {found} is in place of one of type {kind}")
    return content

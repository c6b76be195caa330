"""Compiled loops: arrays in, arrays out. No classes, no checks, no input or output.

A kernel imports nothing of the package but `jit`, and calls only kernels of its own file: Numba
would not notice that a cached one has to be compiled again.
"""

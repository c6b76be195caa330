"""Compiled loops: arrays in, arrays out. No classes, no checks, no input or output."""

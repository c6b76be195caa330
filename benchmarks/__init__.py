"""Timings of salmetrics and of other tools, side by side in one run; each file is a script."""

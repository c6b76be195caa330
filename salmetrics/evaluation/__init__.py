"""Evaluation: the functions that users call, from `evaluate` to `benchmark` and `calibration`.

They check inputs, make baselines and gold standards, run the engine and return results. Figures and
commands are above: nothing here may import `plotting` or `cli`.
"""

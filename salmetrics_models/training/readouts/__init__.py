"""Trainings of readouts, each alone: DeepGaze II, DeepGaze IIE and architectures of the same kind.

May import `inputs`, `loop`, `likelihood` and `toml_tables`, but no other kind of training.
"""

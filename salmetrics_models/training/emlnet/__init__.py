"""Trainings of EML-NET: each encoder alone, then the decoder.

May import `inputs`, `loop` and `toml_tables`, but no other kind of training.
"""

"""Trainings of DeepGaze IIE-ACW, whose backbones are weighted by the category of the image.

May import `inputs`, `loop`, `likelihood` and `toml_tables`, but no other kind of training.
"""

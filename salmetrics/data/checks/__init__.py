"""Plausibility of inputs: what is certainly wrong, and what may be meant otherwise.

A module for what is looked at: positions, files and maps, and maps against positions.
"""

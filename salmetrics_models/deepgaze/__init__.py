"""Deepgaze."""

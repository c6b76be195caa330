"""Emlnet."""

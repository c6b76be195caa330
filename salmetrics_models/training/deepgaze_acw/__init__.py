"""Deepgaze acw."""

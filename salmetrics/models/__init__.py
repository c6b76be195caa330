"""Models: what predicts where people look."""

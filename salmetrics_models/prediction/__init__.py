"""Prediction of many images: decoded in advance, computed in batches, returned in order.

Shared by all models; it knows no network, and imports no model.
"""

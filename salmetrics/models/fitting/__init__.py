"""Maximum-likelihood fits of models: of kernel mixtures, and of maps turned into densities.

The models themselves are one level up, in `salmetrics.models`, and import this package; it imports
only `salmetrics.models.base` from there.
"""

"""Models: everything that predicts where people look, and what turns other things into models.

A model is a `DensityModel` or a `SaliencyMapModel` (`base`). This package may import `densities`,
`data`, `io` and what lies below them; it knows neither the metrics nor the engine, which call it.
"""

"""One training of one module: epochs, states, logs and the recipe.

Knows neither data sets nor networks: it may import nothing else of `salmetrics_models.training`.
"""

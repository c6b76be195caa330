"""What was shown and where people looked: types for stimuli, fixations, data sets and folds.

`salmetrics.datasets` is the catalogue of published data sets, which are read into these types.
Nothing here knows densities, models or metrics; `salmetrics.io` reads and writes the files.
"""

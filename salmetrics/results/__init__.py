"""Results: scores, tables, comparisons, files and layouts, and the provenance of each number.

Nothing here calls a model on an image that is to be scored or computes a metric: `engine` and
`evaluation` are above and must not be imported.
"""

"""Functions of arrays, one metric family per file; `registry` lists all metrics.

A metric knows arrays, kernels and densities, but no models, data sets or files, and no metric of
another family.
"""

"""From scores of fixations and images to averages, confidence intervals and tests.

Arrays in, numbers out: nothing here knows data sets, models, metrics or results.
"""

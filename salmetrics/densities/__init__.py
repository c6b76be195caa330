"""Mathematics of single densities and maps: arrays in, arrays out.

Nothing here knows models, data sets or files; it may import kernels, protocols and the checks of
maps only. The one exception, `grey_levels.save_quantised`, writes a picture.
"""

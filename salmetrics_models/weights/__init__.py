"""Files of weights: reading, checking, writing and downloading them.

The ground floor beside losses, devices and seeds; nothing of this package is imported here.
"""

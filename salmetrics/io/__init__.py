"""Files: archives, downloads, images, stored maps, checkpoints; arrays in and out.

Nothing here knows stimuli, fixations or models: of the package, only `errors`, `progress` and
`array_types` may be imported.
"""

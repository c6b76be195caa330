"""DeepGaze IIE-ACW: DeepGaze IIE whose backbones are weighted by the category of the image.

The only package of a model that builds on another one, `deepgaze`; no training is imported here.
"""

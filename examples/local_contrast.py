"""A saliency model of your own: blurred local contrast."""

from scipy.ndimage import gaussian_filter

import salmetrics


class LocalContrast(salmetrics.SaliencyMapModel):
    def saliency_map(self, stimulus):
        gray = stimulus.rgb @ [0.299, 0.587, 0.114] / 255
        return gaussian_filter(abs(gray - gaussian_filter(gray, 20)), 15)

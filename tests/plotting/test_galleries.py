"""Galleries of images, densities and samples."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import salmetrics
from salmetrics import GaussianCentreBias, InputError
from salmetrics.densities.sampling import draw_fixations, image_stream
from salmetrics.plotting import plot_gallery
from salmetrics.plotting.images import contour_levels
from tests.plotting.drawn import points


def test_gallery(generated):
    stimuli, fixations = generated.dataset
    models = {"truth": generated.truth, "centre": GaussianCentreBias()}
    axes = plot_gallery(
        stimuli, fixations, models, ["3", "0"], labels={"3": "best: 3"}, masses=(0.5,), seed=4
    )
    assert axes.shape == (4, 3)
    assert [one.get_title() for one in axes[0]] == ["image", "truth", "centre"]
    assert [one.get_ylabel() for one in axes[::2, 0]] == ["best: 3", "0"]
    for row, i in ((0, 3), (2, 0)):
        human = fixations.of_image(i)
        assert len(points(axes[row, 0])) == 0
        np.testing.assert_array_equal(points(axes[row + 1, 0]), np.c_[human.x, human.y])
        assert axes[row + 1, 0].get_ylabel() == f"{len(human)} fixations or samples"
        limits = set()
        for column, model in enumerate(models.values(), start=1):
            log = model.log_density(stimuli[i])
            (picture,) = axes[row, column].images
            np.testing.assert_allclose(picture.get_array(), np.exp(log) * log.size, rtol=1e-12)
            limits.add(picture.get_clim())
            (lines,) = [c for c in axes[row, column].collections if hasattr(c, "levels")]
            np.testing.assert_allclose(lines.levels, contour_levels(log, (0.5,)), rtol=1e-12)
            x, y = draw_fixations(log, len(human), image_stream(4, stimuli.ids[i]))
            np.testing.assert_array_equal(points(axes[row + 1, column]), np.c_[x, y])
        assert len(limits) == 1  # one scale of colours per image
    assert all(one.get_legend() is None for one in axes.flat)
    (legend,) = axes[0, 0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["50 %"]


def test_lines_mean_the_same_in_all_panels(generated):
    """Whatever the first model has: a flat density has no contours."""
    stimuli, fixations = generated.dataset
    models = {"flat": salmetrics.Uniform(), "centre": GaussianCentreBias()}
    axes = plot_gallery(stimuli, fixations, models, ["1"])
    assert not [c for c in axes[0, 1].collections if hasattr(c, "levels")]
    (lines,) = [c for c in axes[0, 2].collections if hasattr(c, "levels")]
    (legend,) = axes[0, 0].figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    said = dict(zip(texts, [h.get_linestyle() for h in legend.legend_handles], strict=True))
    assert said == {"75 %": ":", "50 %": "--", "25 %": "-"}
    # levels ascend, so masses descend
    assert lines.linestyles == ["dotted", "dashed", "solid"]


def test_panels_have_the_shapes_of_their_images():
    stimuli = salmetrics.Stimuli.from_arrays(
        [np.zeros(size, np.uint8) for size in ((40, 60), (60, 60))]
    )
    fixations = salmetrics.Fixations.from_arrays([3, 4], [3, 4], [0, 1])
    axes = plot_gallery(stimuli, fixations, {"c": GaussianCentreBias()}, ["0", "1"], samples=False)
    axes[0, 0].figure.canvas.draw()
    heights = [one.get_position().height for one in axes[:, 0]]
    # the layout leaves gaps between panels, which are not scaled with them
    assert heights[1] / heights[0] == pytest.approx(1.5, rel=0.1)


def test_gallery_without_samples(generated):
    stimuli, fixations = generated.dataset
    _, given = plt.subplots(1, 2, squeeze=False)
    models = {"centre": GaussianCentreBias()}
    axes = plot_gallery(stimuli, fixations, models, ["2"], samples=False, axes=given, cmap="magma")
    assert axes is given
    assert len(points(axes[0, 0])) == len(fixations.of_image(2))
    assert axes[0, 1].images[0].cmap.name == "magma"
    assert len(axes[0, 1].get_legend().get_texts()) == 3
    plain = plot_gallery(stimuli, fixations, models, ["2"], masses=())
    assert not plain[0, 0].figure.legends


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"images": ["9"]}, "image must be one of '0'"),
        ({"images": []}, "at least one model and one image"),
        ({"models": {}}, "at least one model and one image"),
        ({"models": {"map": lambda s: s.image}}, "must have shape"),
        ({"models": [GaussianCentreBias()]}, "models must be a dict by name; got list"),
        ({"images": "0"}, "images must be a list; got '0'"),
        ({"axes": np.empty((1, 1), object)}, r"axes must have shape \(2, 2\), .*; got \(1, 1\)"),
    ],
)
def test_wrong_galleries(generated, change, text):
    options = {"models": {"centre": GaussianCentreBias()}, "images": ["0"]} | change
    with pytest.raises(InputError, match=text):
        plot_gallery(*generated.dataset, **options)


def test_a_gallery_shows_one_density_per_image(generated, gold):
    with pytest.raises(InputError, match=r"a gallery needs one density .* upper_bound=True"):
        plot_gallery(*generated.dataset, {"gold": gold}, ["0"])

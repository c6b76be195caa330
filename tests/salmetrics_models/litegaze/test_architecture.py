"""The architecture of LiteGaze: three backbones, whose features fit the readouts' grid."""

from salmetrics_models.backbones.backbone import layer_shapes
from salmetrics_models.deepgaze.head import readout_grid
from salmetrics_models.litegaze.architecture import LITEGAZE, SIDE


def test_backbones_and_layers():
    names = [backbone.name for backbone in LITEGAZE.backbones]
    assert names == ["efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"]
    assert all(backbone.packaged is not None for backbone in LITEGAZE.backbones)


def test_maps_are_no_larger_than_the_images_and_no_smaller_than_32nds():
    size = (3 * SIDE // 4, SIDE)
    for backbone in LITEGAZE.backbones:
        for _, height, width in layer_shapes(backbone, size):
            assert size[0] / 32 <= height <= size[0] / 4
            assert size[1] / 32 <= width <= size[1] / 4
    assert readout_grid(LITEGAZE, size) == (38, 50)

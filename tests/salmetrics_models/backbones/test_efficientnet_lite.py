"""EfficientNet-Lite against the port that its weights are from: features, names, classes."""

import pytest
import torch
from torch import nn

from salmetrics.datasets import load
from salmetrics_models.backbones.backbone import FeatureExtractor
from salmetrics_models.backbones.efficientnet_lite import EFFICIENTNET_LITE, published_names
from salmetrics_models.backbones.loading import load_backbone
from salmetrics_models.weights.files import read_tensors

# modules at whose outputs both networks are compared, with blocks counted by stage, and from the
# first: expansions before their activation, a depthwise convolution, outputs of blocks
PLACES = {
    (2, "bn1.drop"): "_bn0",
    (3, "bn1.drop"): "_bn0",
    (4, "bn3"): "_bn2",
    (5, "bn2.drop"): "_bn1",
    (5, ""): "",
    (6, "conv_pw"): "_expand_conv",
}
CLASSES = {"1218": 470, "1253": 573, "1260": 430}  # candle, go-kart, basketball; by photograph
BLOCKS = {0: (1, 2, 2, 3, 3, 4, 1), 1: (1, 3, 3, 4, 4, 5, 1), 2: (1, 3, 3, 4, 4, 5, 1)}


@pytest.fixture(scope="module")
def networks():
    """Networks with their ImageNet weights, each made once."""
    made = {}

    def make(version):
        if version not in made:
            backbone = EFFICIENTNET_LITE[f"efficientnet-lite{version}"]
            made[version] = FeatureExtractor(backbone)
            load_backbone(backbone, made[version].network, backbone.packaged.path())
        return made[version]

    return make


def port(version, size):
    """The network of the authors' port with the same weights, padded for one size of images."""
    efficientnet = pytest.importorskip("efficientnet_lite_pytorch", reason="needs the port")
    name = f"efficientnet-lite{version}"
    network = efficientnet.EfficientNet.from_name(name, image_size=size)
    network.load_state_dict(read_tensors(EFFICIENTNET_LITE[name].packaged.path()))
    return network.eval()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "size"), [(0, (224, 224)), (0, (150, 201)), (1, (97, 128)), (2, (131, 99))]
)
def test_features_are_those_of_the_authors_port(networks, version, size):
    """Of even and odd sizes. The same sums: equal within a few roundings of the largest value."""
    ours, theirs = [], []
    for (stage, own), other in PLACES.items():
        block = BLOCKS[version][stage] - 1
        number = sum(BLOCKS[version][:stage]) + block
        ours.append(f"blocks.{stage}.{block}.{own}".rstrip("."))
        theirs.append(f"_blocks.{number}.{other}".rstrip("."))
    images = torch.randint(0, 256, (1, 3, *size), generator=torch.manual_seed(version)).float()
    found = networks(version)(images, ours)
    reference, expected = port(version, size), {}
    for name in theirs:
        reference.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: expected.update({name: output.clone()})
        )
    with torch.no_grad():
        reference((images - 127) / 128)
    for one, name in zip(found, theirs, strict=True):
        assert one.shape == expected[name].shape
        assert (one - expected[name]).abs().max() <= 1e-5 * expected[name].abs().max()


@pytest.mark.parametrize("name", EFFICIENTNET_LITE)
def test_every_tensor_of_the_file_has_its_place(networks, name):
    backbone = EFFICIENTNET_LITE[name]
    file = read_tensors(backbone.packaged.path())
    network = networks(int(name[-1])).network
    names = dict(published_names(name, network))
    assert names.keys() == file.keys()
    state = network.state_dict()
    assert all(torch.equal(state[ours], file[theirs]) for theirs, ours in names.items())


@pytest.mark.slow
@pytest.mark.parametrize("name", EFFICIENTNET_LITE)
def test_classes_of_photographs(networks, shared, name):
    stimuli = load("osie", shared / "data" / "osie", download=False).stimuli
    network = networks(int(name[-1]))
    photographs = stimuli[[stimuli.ids.index(image) for image in CLASSES]]
    for photograph in photographs:
        pixels = torch.from_numpy(photograph.rgb.copy()).permute(2, 0, 1)[None].float()
        small = nn.functional.interpolate(pixels, size=(224, 298), mode="area")
        with torch.no_grad():
            scores = network.network(network.backbone.normalisation(small))
        assert scores.argmax().item() == CLASSES[photograph.id]

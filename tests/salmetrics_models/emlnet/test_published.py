"""Names of tensors in the authors' three files."""

import pytest
import torch

from salmetrics_models.emlnet.published import decoder_names, encoder_names


@pytest.mark.slow
def test_published_files_load_completely(files, model):
    paths, states = files
    for name in ("imagenet", "places"):
        own = model.network.encoder(name).state_dict()
        assert len(own) == len(states[name])
        for key, tensor in states[name].items():
            ours = key.replace("output", "outputs.") if key.startswith("output") else key
            ours = ours if ours.startswith(("outputs", "combined")) else f"network.{ours}"
            assert torch.equal(own[ours], tensor), key
    decoder = model.network.decoder.state_dict()
    assert len(decoder) == len(states["decoder"])
    for key, tensor in states["decoder"].items():
        ours = key.replace("img_model", "maps.0").replace("pla_model", "maps.1")
        assert torch.equal(decoder[ours], tensor), key


def test_names(toy_form):
    from salmetrics_models.emlnet.network import EMLNetwork

    network = EMLNetwork(toy_form.backbones, "public")
    names = encoder_names(network.encoder("places"))
    assert names["first.0.weight"] == "network.first.0.weight"
    assert names["output1.1.running_var"] == "outputs.1.1.running_var"
    assert names["combined.0.bias"] == "combined.0.bias"
    assert sorted(names.values()) == sorted(network.encoder("places").state_dict())
    names = decoder_names(network.decoder)
    assert names["img_model.0.0.weight"] == "maps.0.0.0.weight"
    assert names["pla_model.1.1.bias"] == "maps.1.1.1.bias"
    assert sorted(names.values()) == sorted(network.decoder.state_dict())

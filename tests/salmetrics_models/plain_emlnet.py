"""EML-NET in the public layout, one step after the other, from tensors by their published names."""

import numpy as np
import torch
from torch.nn import functional

ENCODER_TAPS = (64, 256, 512, 1024, 2048)


def random_encoder(seed=0):
    """A state dict as the published encoders have: torchvision's names, taps and the head."""
    from salmetrics_models.backbones.torchvision_loading import vision_models

    torch.manual_seed(seed)
    state = vision_models().resnet50(weights=None).state_dict()
    state = {key: tensor for key, tensor in state.items() if not key.startswith("fc.")}
    for i, channels in enumerate(ENCODER_TAPS):
        state |= _block(f"output{i}", channels, 0.05)
    return state | _block("combined", 5, 0.3)


def random_decoder(seed=0):
    torch.manual_seed(seed)
    state = {}
    for name in ("img_model", "pla_model"):
        for i in range(5):
            state |= _block(f"{name}.{i}", 1, 0.5)
    return state | _block("combined", 10, 0.3)


def _block(name, channels, scale):
    return {
        f"{name}.0.weight": scale * torch.randn(1, channels, 3, 3),
        f"{name}.0.bias": 0.1 * torch.randn(1),
        f"{name}.1.weight": 1 + 0.1 * torch.randn(1),
        f"{name}.1.bias": 0.1 * torch.randn(1),
        f"{name}.1.running_mean": 0.1 * torch.randn(1),
        f"{name}.1.running_var": 1 + torch.rand(1),
        f"{name}.1.num_batches_tracked": torch.tensor(7),
    }


def _made(state, name, x):
    """3x3 convolution with bias, then the normalisation with what it knows."""
    y = functional.conv2d(x, state[f"{name}.0.weight"], state[f"{name}.0.bias"], padding=1)
    mean, var = (state[f"{name}.1.running_{what}"] for what in ("mean", "var"))
    scaled = (y - mean.view(1, -1, 1, 1)) / torch.sqrt(var.view(1, -1, 1, 1) + 1e-5)
    return scaled * state[f"{name}.1.weight"][0] + state[f"{name}.1.bias"][0]


def _norm(state, name, x):
    parts = (state[f"{name}.{what}"] for what in ("running_mean", "running_var", "weight", "bias"))
    mean, var, weight, bias = (part.view(1, -1, 1, 1) for part in parts)
    return (x - mean) / torch.sqrt(var + 1e-5) * weight + bias


def encoder_taps(state, images):
    """One map a tap, of a ResNet-50 written out."""
    x = functional.conv2d(images, state["conv1.weight"], stride=2, padding=3)
    x = torch.relu(_norm(state, "bn1", x))
    features = [x]
    x = functional.max_pool2d(x, 3, 2, 1)
    for stage, n_blocks in enumerate((3, 4, 6, 3), 1):
        for block in range(n_blocks):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = torch.relu(_norm(state, f"{name}.bn1", _conv(state, f"{name}.conv1", x)))
            y = _conv(state, f"{name}.conv2", y, stride, 1)
            y = torch.relu(_norm(state, f"{name}.bn2", y))
            y = _norm(state, f"{name}.bn3", _conv(state, f"{name}.conv3", y))
            if block == 0:
                x = _conv(state, f"{name}.downsample.0", x, stride)
                x = _norm(state, f"{name}.downsample.1", x)
            x = torch.relu(x + y)
        features.append(x)
    return [torch.relu(_made(state, f"output{i}", f)) for i, f in enumerate(features)]


def _conv(state, name, x, stride=1, padding=0):
    return functional.conv2d(x, state[f"{name}.weight"], stride=stride, padding=padding)


def encoder_alone(state, images):
    taps = encoder_taps(state, images)
    grid = taps[0].shape[-2:]
    joined = torch.cat([functional.interpolate(t, size=grid) for t in taps], 1)
    return functional.interpolate(
        torch.sigmoid(_made(state, "combined", joined)), size=images.shape[-2:]
    )


def decoded(state, imagenet, places, size):
    maps = []
    for name, taps in (("img_model", imagenet), ("pla_model", places)):
        for i, tap in enumerate(taps):
            maps.append(torch.relu(_made(state, f"{name}.{i}", tap)))
    joined = torch.cat([functional.interpolate(m, size=size) for m in maps], 1)
    return torch.sigmoid(_made(state, "combined", joined))


def pixels_of(image, size):
    from PIL import Image

    resized = Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR)
    return torch.from_numpy(np.asarray(resized).transpose(2, 0, 1)[None] / 255.0)

"""DeepGaze as its description says, one component after the other: slow, and easy to check.

Works on a checkpoint with the published names. Only the features come from the package.
"""

import zlib

import numpy as np
import torch
from torch.nn import functional

LAYER_NORM_EPS = 1e-12


def weights_by_rule(shapes):
    """Deterministic weights for shapes by published name; the rule of the recorded numbers."""
    return {
        name: torch.from_numpy(np.asarray(_by_rule(name, shape))) for name, shape in shapes.items()
    }


def _by_rule(key, shape):
    z = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape).astype(np.float32)
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if len(shape) == 4:
        return z * np.float32(np.sqrt(2 / (shape[1] * shape[2] * shape[3])))
    if len(shape) == 2:
        return z * np.float32(0.01)
    if key.endswith("running_var"):
        return 1 + np.float32(0.1) * abs(z)
    if key.endswith("gauss.sigma"):
        return np.float32(8) + np.float32(0.5) * z
    if key.endswith(("center_bias_weight", ".weight")):
        return 1 + np.float32(0.1) * z
    assert key.endswith((".bias", "running_mean"))
    return np.float32(0.1) * z


def layer_norm(x, weight, bias):
    """Over channels and space together."""
    mean = x.mean((1, 2, 3), keepdim=True)
    variance = x.var((1, 2, 3), correction=0, keepdim=True)
    normal = (x - mean) / torch.sqrt(variance + LAYER_NORM_EPS)
    return normal * weight[:, None, None] + bias[:, None, None]


def blurred(x, sigma):
    """Separable Gaussian of three widths, edges repeated."""
    reach = int(np.ceil(3 * float(sigma.detach())))
    taps = torch.arange(-reach, reach + 1, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (taps / sigma) ** 2)
    kernel = kernel / kernel.sum()
    down = functional.pad(x, (0, 0, reach, reach), mode="replicate")
    x = functional.conv2d(down, kernel.view(1, 1, -1, 1))
    across = functional.pad(x, (reach, reach, 0, 0), mode="replicate")
    return functional.conv2d(across, kernel.view(1, 1, 1, -1))


def readout(state, prefix, k, x):
    """Saliency network and fixation selection network of component k."""

    def of(network, name):
        return state[f"{prefix}{network}.{k}.{name}"].to(x.dtype)

    for i in range(3):
        net = "saliency_networks"
        x = layer_norm(x, of(net, f"layernorm{i}.weight"), of(net, f"layernorm{i}.bias"))
        x = functional.conv2d(x, of(net, f"conv{i}.weight"))
        x = functional.softplus(x + of(net, f"bias{i}.bias")[:, None, None])
    net = "fixation_selection_networks"
    names = [
        ("layernorm0.layernorm_part0", "conv0.conv_part0", "bias0"),
        ("layernorm1", "conv1", "bias1"),
    ]
    for norm, conv, bias in names:
        x = layer_norm(x, of(net, f"{norm}.weight"), of(net, f"{norm}.bias"))
        x = functional.conv2d(x, of(net, f"{conv}.weight"))
        x = functional.softplus(x + of(net, f"{bias}.bias")[:, None, None])
    return functional.conv2d(x, of(net, "conv2.weight"))


def finalised(state, prefix, x, centre, map_factor):
    """The log density of one component, at the size of the centre bias."""
    weight = state[f"{prefix}.center_bias_weight"].to(x.dtype)
    sigma = state[f"{prefix}.gauss.sigma"].to(x.dtype)
    small = functional.interpolate(centre[:, None], scale_factor=1 / map_factor)
    x = functional.interpolate(x, size=small.shape[-2:])
    x = blurred(x, sigma) + weight * small
    x = functional.interpolate(x, size=centre.shape[-2:])
    return x - torch.logsumexp(x, dim=(2, 3), keepdim=True)


def features(network, b, images):
    """The concatenated features of backbone b at the grid of the readout."""
    architecture = network.architecture
    height, width = images.shape[-2:]
    step = architecture.downsample * architecture.readout_factor
    grid = (-(-height // step), -(-width // step))
    small = functional.interpolate(images, scale_factor=1 / architecture.downsample)
    maps = network.branches[b].features(small)
    return torch.cat([functional.interpolate(m, size=grid) for m in maps], 1)


@torch.no_grad()
def log_density_2e(network, state, images, centre, components=range(30), readout_dtype=None):
    """DeepGaze IIE, shape (n, h, w), and its parts: by backbone, by backbone and component.

    Parameters
    ----------
    readout_dtype
        Type of all that comes after the features; by default that of the images.
    """
    dtype = images.dtype if readout_dtype is None else readout_dtype
    by_backbone, by_component = [], []
    for b in range(len(network.branches)):
        x = features(network, b, images).to(dtype)
        parts = []
        for k in components:
            prefix = f"models.{b}."
            y = readout(state, prefix, k, x)
            parts.append(finalised(state, f"{prefix}finalizers.{k}", y, centre.to(dtype), 2))
        logs = torch.cat(parts, 1)
        by_component.append(logs)
        by_backbone.append(torch.logsumexp(logs - np.log(logs.shape[1]), 1))
    mixture = torch.logsumexp(torch.stack(by_backbone) - np.log(len(by_backbone)), 0)
    return mixture, by_backbone, by_component


@torch.no_grad()
def log_density_1(network, state, images, centre):
    """DeepGaze I, shape (n, h, w)."""
    x = features(network, 0, images)
    y = functional.conv2d(x, state["readout_network.conv0.weight"].to(x.dtype))
    return finalised(state, "finalizer", y, centre, 4)[:, 0]

"""Published."""

from __future__ import annotations

import re

from salmetrics_models.emlnet.network import Decoder, Encoder


def encoder_names(encoder: Encoder) -> dict[str, str]:
    """Return the name of each tensor in a published encoder of EML-NET, and its own.

    There, a backbone's names are torchvision's, and tap i is called output{i}.
    """
    found = {}
    for key in encoder.state_dict():
        theirs = re.sub(r"^outputs\.(\d+)\.", r"output\1.", key)
        found[theirs.removeprefix("network.")] = key
    return found


def decoder_names(decoder: Decoder) -> dict[str, str]:
    """Return the name of each tensor in the published decoder of EML-NET, and its own."""
    of_encoders = ("img_model", "pla_model")  # ImageNet, Places
    found = {}
    for key in decoder.state_dict():
        theirs = re.sub(r"^maps\.(\d+)\.", lambda m: f"{of_encoders[int(m[1])]}.", key)
        found[theirs] = key
    return found

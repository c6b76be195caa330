"""Small networks for EML-NET."""

from tests.salmetrics_models.toy_backbones import SEES

SIZE = (96, 128)
TOY = {name: SEES[name] for name in ("red", "green")}

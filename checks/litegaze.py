"""Make LiteGaze, the model that comes with salmetrics, from the photographs of OSIE.

layers: trains readouts of random sets of layers of one backbone on two thirds of the photographs,
and scores each on a tenth... of the others.

    python checks/litegaze.py layers --root OSIE --backbone efficientnet-lite0
    python checks/litegaze.py instances --root OSIE
    salmetrics train --example litegaze > litegaze.toml
    salmetrics train litegaze.toml
    python checks/litegaze.py pack litegaze.toml --root OSIE
"""

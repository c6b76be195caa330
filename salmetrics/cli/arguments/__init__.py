"""Options that several commands share, and the data sets, models and figures they name.

A module per kind of argument: each adds options to a parser and turns their values into objects.
It may not import the modules of the commands.
"""

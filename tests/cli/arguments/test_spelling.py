import pytest

from salmetrics import InputError
from salmetrics.cli.arguments.spelling import as_options, naming_options

OPTIONS = {"x": "--x-column", "missing": "--missing", "one_based": "--one-based"}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("use missing='drop'; x=", "use --missing drop; --x-column"),
        ("perhaps x='fix x', y='b'", "perhaps --x-column 'fix x', y='b'"),
        ("""x="it's" fails""", """--x-column 'it'"'"'s' fails"""),
        ("one_based=True is", "--one-based is"),
        ("row 3: x=81, y=10", "row 3: x=81, y=10"),  # a value
        ("max=3, 'x='", "max=3, 'x='"),  # another name, and a quoted text
    ],
)
def test_options_for_arguments(message, expected):
    assert as_options(message, OPTIONS) == expected


def test_only_errors_of_input_are_changed():
    with pytest.raises(InputError, match=r"^give --missing$"), naming_options(OPTIONS):
        raise InputError("give missing=")
    with pytest.raises(KeyError, match="missing="), naming_options(OPTIONS):
        raise KeyError("missing=")

"""Data sets as --dataset names them."""

import pytest

import salmetrics
from salmetrics import InputError
from salmetrics.cli.arguments import dataset_spec
from salmetrics.cli.arguments.dataset_spec import (
    ground_truth_of,
    named_dataset,
    option_values,
    scale_of,
    scaled,
)
from salmetrics.cli.output import on_command_line


def test_names(result):
    assert len(named_dataset("data.h5").stimuli) == 4
    with pytest.raises(InputError, match="--root needs a registered --dataset"):
        named_dataset("data.h5", result)
    with pytest.raises(InputError, match="--dataset osie:x names its folder already; leave out"):
        named_dataset("osie:x", result)
    with pytest.raises(InputError, match=r"'none.h5' is neither registered .*, nor a file"):
        named_dataset("none.h5")
    salmetrics.write_hdf5(salmetrics.read_hdf5("data.h5").stimuli, "stimuli.h5")
    with pytest.raises(InputError, match=r"'stimuli.h5' holds stimuli alone; a data set has"):
        named_dataset("stimuli.h5")


def test_option_values():
    assert option_values("toronto", []) == {}
    assert option_values("salicon", ["part=val"]) == {"part": "val"}
    texts = ["initial_fixation=yes", "size=768x1024"]
    assert option_values("mit1003", texts) == {"initial_fixation": True, "size": (768, 1024)}
    assert option_values("mit1003", ["initial_fixation=no"]) == {"initial_fixation": False}


def test_every_data_set_has_a_scale_and_a_name_of_its_own(result):
    dataset = salmetrics.read_hdf5("data.h5")
    stimuli = dataset.stimuli.with_scale(sigma=24, pixels_per_degree=35)
    salmetrics.write_hdf5(salmetrics.Dataset("d", stimuli, dataset.fixations), "known.h5")

    def scale(options):
        stimuli = named_dataset(f"known.h5{options}").stimuli
        return stimuli.sigma, stimuli.pixels_per_degree

    assert scale("") == (24, 35)
    assert scale(",sigma=20") == (20, 35)
    assert scale(",pixels_per_degree=30") == (None, 30)  # a degree replaces the width, too
    assert scale(",sigma=20,pixels_per_degree=30") == (20, 30)
    assert named_dataset("known.h5,name=mine").name == "mine"
    assert named_dataset("known.h5,name=mine").stimuli.name == "mine"
    for options, text in (
        ("sigma=wide", "its option sigma must be a number of pixels; got 'wide'"),
        ("sigma=-1", "sigma must be a positive number"),
        ("sigma=1,sigma=2", "its option sigma must be given once"),
        ("name=", "its option name must be given once, with a value"),
        ("part=val", "a file has the options empirical, name"),
        ("empirical=maps", "its option empirical is for several data sets"),
    ):
        with pytest.raises(InputError, match=text):
            named_dataset(f"known.h5,{options}")


def test_a_data_set_that_is_registered_and_a_folder(folder):
    (folder / "toronto").mkdir()
    text = "--dataset toronto is a registered data set, and 'toronto' is also a folder or file here"
    with pytest.raises(InputError, match=text):
        named_dataset("toronto")
    for spec in ("toronto:", "toronto:toronto"):
        with pytest.raises(InputError, match="datasets get toronto"):
            named_dataset(spec)


def test_options_of_every_data_set():
    spec = "toronto:a=b,sigma=3,part=x,empirical=maps"
    assert ground_truth_of(spec) == "maps"
    assert scale_of(spec) == {"sigma": 3}
    assert ground_truth_of("toronto") is None
    assert scale_of("toronto,pixels_per_degree=9.5") == {"pixels_per_degree": 9.5}
    dataset = salmetrics.datasets.generate_dataset(2, size=(20, 30)).dataset
    assert scaled(dataset) is dataset
    assert scaled(dataset, sigma=3).stimuli.sigma == 3


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("kind must be one of 'gaze'", "--dataset salicon,kind=x: its option kind must be one of"),
        ("no file of that kind", "no file of that kind"),
    ],
)
def test_errors_name_options_of_the_data_set(monkeypatch, error, text):
    """An option kind of a data set is not the option --kind of the command."""

    def refuse(*arguments, **options):
        raise InputError(error)

    monkeypatch.setattr(dataset_spec, "load", refuse)
    with pytest.raises(InputError, match=f"^{text}") as caught:
        named_dataset("salicon,kind=x")
    assert on_command_line(str(caught.value), {"kind": "--kind"}) == str(caught.value)

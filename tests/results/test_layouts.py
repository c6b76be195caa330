"""Tables as papers print them, made of a hand-made result."""

import dataclasses

import numpy as np
import pytest
from scored_models import Blurred, Pixels, pictures

import salmetrics
from salmetrics import Dataset, Evaluation, InputError
from salmetrics.cli import main
from salmetrics.metrics.registry import METRICS
from salmetrics.results.layouts import (
    LAYOUTS,
    Layout,
    get_layout,
    laid_out,
    to_latex,
    to_markdown,
    to_text,
)
from salmetrics.results.scores import Scores
from salmetrics.statistics.cells import Cells

CATEGORIES = ["a", "b", "b", "b"]
HEADINGS = {
    "salicon": "NSS CC AUC sAUC KLD IG SIM",
    "mit300": "AUC-Judd SIM EMD AUC-Borji sAUC CC NSS KLD",
    "cat2000": "AUC-Judd SIM EMD AUC-Borji sAUC CC NSS KLD",
    "cat2000-categories": "IG AUC sAUC NSS CC KLDiv SIM",
}


def made(values, *, protocol="mit-matlab", reasons=None, attributes=None):
    """Make a result: for each model and metric its four values, one an image."""
    models = list(dict.fromkeys(model for model, _ in values))
    metrics = tuple(dict.fromkeys(metric for _, metric in values))
    chosen = salmetrics.get_protocol(protocol).override(metrics=metrics)
    choices = {
        field.name: getattr(chosen, field.name)
        for field in dataclasses.fields(chosen)
        if field.name not in ("name", "version")
    }
    cells = Cells(np.arange(4), np.zeros(4, np.int64))  # one fixation an image
    arrays = {key: np.array(row, np.float64) for key, row in values.items()}
    scores = Scores(
        cells,
        values=arrays,
        sums={key: row for key, row in arrays.items() if METRICS[key[1]].per == "fixation"},
        reasons=reasons or {},
    )
    provenance = {
        "protocol": {"name": chosen.name, "version": chosen.version, "choices": choices},
        "models": {model: {} for model in models},
        "baseline": {"name": "uniform", "parameters": {}},
        "seed": 0,
        "n_bootstrap": 0,
        "n_predictions": 4,
    }
    categories = {"category": np.array(CATEGORIES)} if attributes is None else attributes
    return Evaluation(scores, ids=list("0123"), attributes=categories, provenance=provenance)


def table_of(layout, models, **options):
    """Make a result with the means that are given for each model, in the order of the columns."""
    keys = [keys[0] for keys in LAYOUTS[layout].columns.values()]
    values = {
        (model, key): [value] * 4
        for model, row in models.items()
        for key, value in zip(keys, row, strict=True)
    }
    return made(values, protocol=LAYOUTS[layout].protocol, **options)


MIT300 = {
    #        Judd   SIM    EMD    Borji  sAUC   CC     NSS    KLD
    "EML": [0.881, 0.683, 1.839, 0.768, 0.701, 0.788, 2.470, 0.841],
    "iSEEL": [0.84, 0.57, 2.72, 0.81, 0.68, 0.65, 1.78, 0.65],
    "DPN": [0.874, 0.684, 2.051, 0.804, 0.742, 0.821, 2.408, 0.912],
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_headings_are_those_of_the_papers(name):
    layout = get_layout(name)
    assert layout.name == name
    assert " ".join(layout.columns) == HEADINGS[name]
    protocol = salmetrics.get_protocol(layout.protocol)
    keys = layout.metrics_under(protocol)
    assert set(keys) <= set(protocol.metrics)
    assert keys == tuple(keys[0] for keys in layout.columns.values())
    assert get_layout(layout) is layout


def test_mit300():
    result = table_of("mit300", MIT300)
    table = laid_out(result, "mit300")
    assert list(table.index) == ["iSEEL", "DPN", "EML"]  # by NSS, the best last
    assert list(table) == HEADINGS["mit300"].split()
    assert table.loc["DPN"].tolist() == pytest.approx(MIT300["DPN"], rel=1e-12)
    assert to_markdown(result, "mit300").splitlines() == [
        "| model | AUC-Judd | SIM | EMD | AUC-Borji | sAUC | CC | NSS | KLD |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| iSEEL | 0.84 | 0.57 | 2.72 | **0.81** | 0.68 | 0.65 | 1.78 | **0.65** |",
        # 0.683 and 0.684 are equal as printed
        "| DPN | 0.87 | **0.68** | 2.05 | 0.80 | **0.74** | **0.82** | 2.41 | 0.91 |",
        "| EML | **0.88** | **0.68** | **1.84** | 0.77 | 0.70 | 0.79 | **2.47** | 0.84 |",
        "",
        "layout mit300: Jia and Bruce (2018), EML-NET, arXiv:1805.01047, table 3\\",
        "SIM is SIM-MATLAB, sAUC is sAUC-MATLAB, NSS is NSS-MATLAB, KLD is KLDiv\\",
        "protocol mit-matlab 1 with metrics AUC-Judd, SIM-MATLAB, EMD, AUC-Borji, sAUC-MATLAB, "
        "CC, NSS-MATLAB, KLDiv",
    ]


def test_latex_and_text():
    result = table_of("cat2000", {"a_b": MIT300["EML"], "c": MIT300["DPN"]})
    lines = to_latex(result, "cat2000").splitlines()
    assert lines[:2] == [r"\begin{tabular}{lrrrrrrrr}", r"\toprule"]
    assert lines[2].startswith(" & AUC-Judd & SIM & EMD &")
    assert lines[5] == (
        r"a\_b & $\mathbf{0.88}$ & $\mathbf{0.68}$ & $\mathbf{1.84}$ & $0.77$ & $0.70$ & $0.79$ "
        r"& $\mathbf{2.47}$ & $\mathbf{0.84}$ \\"
    )
    assert "table 4" in lines[8]
    text = to_text(result, "cat2000").splitlines()
    assert text[0].split() == HEADINGS["cat2000"].split()
    assert " ".join(text[2].split()) == "a_b 0.88 0.68 1.84 0.77 0.70 0.79 2.47 0.84"


def test_salicon_has_the_best_first_and_three_decimals():
    rows = {
        "SAM": [1.990, 0.899, 0.865, 0.741, 0.610, 0.538, 0.793],
        "EML": [2.050, 0.886, 0.866, 0.746, 0.520, 0.736, 0.780],
        "second": [1.928, 0.874, 0.862, 0.745, 0.489, -0.0001, 0.771],
        "third": [2.045, 0.862, 0.862, 0.745, 1.026, 0.357, 0.753],
    }
    result = table_of("salicon", rows)
    assert list(laid_out(result, "salicon").index) == ["EML", "second", "third", "SAM"]
    lines = to_markdown(result, "salicon").splitlines()
    assert lines[2] == (
        "| EML | **2.050** | 0.886 | **0.866** | **0.746** | 0.520 | **0.736** | 0.780 |"
    )
    # no minus before a zero
    assert lines[3] == "| second | 1.928 | 0.874 | 0.862 | 0.745 | **0.489** | 0.000 | 0.771 |"
    assert "NSS is NSS-MATLAB, AUC is AUC-Borji, sAUC is sAUC-MATLAB" in lines[8]


def test_plain_metrics_stand_in():
    keys = ("NSS", "CC", "AUC", "sAUC", "KLDiv", "IG", "SIM", "SIM-MATLAB")
    values = {("m", key): [0.5] * 4 for key in keys}
    text = to_text(made(values, protocol="default"), "salicon")
    assert "table 2, which goes with protocol salicon-2017\n" in text
    assert "\nKLD is KLDiv, SIM is SIM-MATLAB\nprotocol default 1 with" in text
    under = get_layout("salicon").metrics_under(salmetrics.get_protocol("default"))
    assert under == ("NSS", "CC", "AUC", "sAUC", "KLDiv", "IG", "SIM")


def test_missing_values_have_their_reason():
    rows = {name: list(row) for name, row in MIT300.items()}
    rows["EML"][2] = rows["EML"][6] = rows["DPN"][2] = np.nan
    reasons = {("EML", "EMD"): "no map is known", ("EML", "NSS-MATLAB"): "why not"}
    result = table_of("mit300", rows, reasons=reasons)
    # without the value that is sorted by, a model is where the worst are
    assert list(laid_out(result, "mit300").index) == ["EML", "iSEEL", "DPN"]
    lines = to_markdown(result, "mit300").splitlines()
    assert lines[2] == "| EML | **0.88** | **0.68** | - | 0.77 | 0.70 | 0.79 | - | 0.84 |"
    assert lines[3].split(" | ")[3] == "**2.72**"
    assert lines[-3:] == [
        "- EMD of EML: no map is known",
        "- NSS-MATLAB of EML: why not",
        "- EMD of DPN: no image has a value",
    ]


def of_categories(ig):
    keys = get_layout("cat2000-categories").columns
    values = {(m, key): [0.5] * 4 for m in ig for key in keys}
    values |= {(m, "IG"): row for m, row in ig.items()}
    return made(values, protocol="mit-tuebingen-cat2000")


def test_mean_over_categories():
    # one image in a, three in b: the mean of 0.9 and 0.1, not of 0.9, 0.1, 0.2 and 0.0
    result = of_categories({"x": [0.9, 0.1, 0.2, 0.0], "y": [0.2, 0.5, 0.5, 0.5]})
    assert result.value("x", "IG") == pytest.approx(0.3, rel=1e-12)
    table = laid_out(result, "cat2000-categories")
    assert table["IG"].to_dict() == pytest.approx({"x": 0.5, "y": 0.35}, rel=1e-12)
    assert list(table.index) == ["x", "y"]  # over images y would be first
    lines = to_markdown(result, "cat2000-categories").splitlines()
    assert lines[2].startswith("| x | **0.5000** | **0.5000** |")
    assert lines[3].startswith("| y | 0.3500 | **0.5000** |")
    assert "means over 2 values of category, of the score within each\\" in lines


def test_categories_without_a_value():
    nan = np.nan
    # nobody has a value in a: it doesn't count
    result = of_categories({"x": [nan, 0.1, 0.2, 0.3], "y": [nan, 0.4, 0.4, 0.1]})
    assert laid_out(result, "cat2000-categories")["IG"].to_dict() == pytest.approx(
        {"x": 0.2, "y": 0.3}, rel=1e-12
    )
    # one has: the other's mean would be of other images
    result = of_categories({"x": [nan, 0.1, 0.2, 0.3], "y": [0.1, 0.4, 0.4, 0.1]})
    assert laid_out(result, "cat2000-categories")["IG"].isna().to_dict() == {"y": False, "x": True}
    assert to_text(result, "cat2000-categories").endswith("\n- IG of x: not in every category")


def test_a_gold_standard_is_no_model():
    stimuli, fixations = pictures(6)
    gold = salmetrics.GoldStandard(
        stimuli, fixations, bandwidth=3, centre_weight=0.1, uniform_weight=0.1
    )
    mine = Layout(
        name="mine",
        protocol="default",
        columns={"gain": ("IG",)},
        decimals=1,
        sort_by="gain",
        source="here",
    )
    result = salmetrics.evaluate(
        {"b": Blurred(), "p": Pixels()},
        stimuli,
        fixations,
        metrics=["IG"],
        baseline=salmetrics.Uniform(),
        gold_standard=gold,
        n_bootstrap=10,
        progress=False,
    )
    assert list(laid_out(result, mine).index) == ["b", "p"]
    text = to_text(result, mine)
    assert "gold" not in text
    assert "±" not in text
    assert "IG over uniform" in text
    assert "- IG of p: a saliency map has no log likelihood" in text


LAYOUT = {
    "name": "x",
    "protocol": "default",
    "columns": {"gain": ("IG",)},
    "decimals": 2,
    "sort_by": "gain",
    "source": "here",
}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"protocol": "x"}, "protocol must be one of 'default'"),
        ({"sort_by": "IG"}, "sort_by must be one of 'gain'; got 'IG'"),
        ({"decimals": -1}, "decimals must be a whole number >= 0"),
        ({"columns": {"gain": ("ig",)}}, "metric must be one of 'LL'.*; got 'ig'"),
    ],
)
def test_wrong_layouts(changes, text):
    with pytest.raises(InputError, match=text):
        Layout(**(LAYOUT | changes))


def test_images_without_a_category_are_left_out():
    """They are no category of their own."""
    keys = get_layout("cat2000-categories").columns
    scores = {("m", key): [0.1, 0.2, 0.3, 0.4] for key in keys}
    for categories in (["a", "", "b", "b"], [1, np.nan, 2, 2]):
        result = made(scores, attributes={"category": np.array(categories)})
        assert laid_out(result, "cat2000-categories").loc["m", "AUC"] == pytest.approx(
            0.225, rel=1e-12
        )
        assert "1 images have no category and are left out" in to_text(result, "cat2000-categories")
    result = made(scores, attributes={"category": np.zeros((4, 2))})
    with pytest.raises(InputError, match="'category' has several values per image"):
        laid_out(result, "cat2000-categories")


def test_order_of_models_is_that_of_the_paper():
    """By AUC: two of its models are without IG, and not at the end."""
    keys = get_layout("cat2000-categories").columns
    rows = {"SalFBNet": (np.nan, 0.8549), "DeepGaze I": (-0.1546, 0.8524), "II": (0.08, 0.864)}
    scores = {
        (model, key): [ig if key == "IG" else area] * 4
        for model, (ig, area) in rows.items()
        for key in keys
    }
    result = made(scores, attributes={"category": np.array(["a", "a", "b", "b"])})
    assert list(laid_out(result, "cat2000-categories").index) == ["II", "SalFBNet", "DeepGaze I"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"columns": {}}, "columns of a layout must be at least one"),
        ({"columns": {"gain": ()}}, "each with at least one metric; got"),
        ({"columns": {"gain": "IG"}}, "gain must be a list"),
        (
            {"name": "a/b"},
            "name of a layout must be letters, digits, .* part of file names; got 'a/b'",
        ),
    ],
)
def test_layouts_that_cannot_be(changes, text):
    with pytest.raises(InputError, match=text):
        dataclasses.replace(get_layout("salicon"), **changes)


def test_registered_layouts_stay_as_they_are():
    with pytest.raises(TypeError):
        get_layout("mit300").columns["x"] = ("IG",)


def test_names_of_models_are_no_markup():
    names = ["[1] a", "a|b*c_d", "x\ny", "p<q>"]
    keys = [keys[0] for keys in get_layout("mit300").columns.values()]
    result = made({(name, key): [0.5] * 4 for name in names for key in keys})
    markdown = to_markdown(result, "mit300")
    for shown in (r"| \[1] a |", r"| a\|b\*c_d |", "| x y |", r"| p\<q> |"):
        assert shown in markdown
    latex = to_latex(result, "mit300")
    for shown in ("{}[1] a &", r"a\textbar{}b*c\_d &", "x y &", r"p\textless{}q\textgreater{} &"):
        assert shown in latex


def test_what_is_missing_is_named():
    result = made({("m", "NSS"): [1.0] * 4, ("m", "CC"): [1.0] * 4}, protocol="default")
    with pytest.raises(InputError, match=r"layout must be one of 'salicon', 'mit300'.*; got 'x'"):
        laid_out(result, "x")
    text = (
        "layout 'mit300' needs AUC-Judd, SIM-MATLAB, EMD, AUC-Borji, sAUC-MATLAB, KLDiv; evaluate "
        r"with protocol 'mit-matlab' and these metrics"
    )
    with pytest.raises(InputError, match=text):
        to_latex(result, "mit300")
    keys = get_layout("cat2000-categories").columns
    for attributes, known in (({}, "have none"), ({"year": np.arange(4)}, "have only 'year'")):
        bare = made({("m", key): [0.5] * 4 for key in keys}, attributes=attributes)
        text = (
            "layout 'cat2000-categories' is a mean over groups of images by their attribute "
            f"'category'. These images {known}; give Stimuli "
            "attributes={'category': one value per image}"
        )
        with pytest.raises(InputError, match=text):
            laid_out(bare, "cat2000-categories")


# ---- benchmarks and the command line


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    base = pictures(4)
    images = [s.image for s in base.stimuli]
    for name, attributes in (("plain", {}), ("sorted", {"category": CATEGORIES})):
        stimuli = salmetrics.Stimuli.from_arrays(images, attributes=attributes, sigma=5)
        salmetrics.write_hdf5(Dataset(name, stimuli, base.fixations), f"{name}.h5", images="copy")
    return tmp_path


MODELS = ["--model", "gaussian-centre-bias", "--model", "uniform"]


def benchmark(*arguments):
    return main(["benchmark", *MODELS, "--n-bootstrap", "10", "--out", "out", *arguments])


def test_command(folder, capsys):
    assert benchmark("--dataset", "plain.h5", "--dataset", "sorted.h5", "--layout", "salicon") == 0
    out = capsys.readouterr().out
    assert out.startswith("plain: 4 images, 60 fixations\n\n")
    assert "protocol salicon-2017 1\n" in out
    assert "±" not in out
    assert "on all data sets" not in out
    result = Evaluation.load("out/plain.h5")
    assert to_text(result, "salicon") in out
    assert result.metrics == list(salmetrics.get_protocol("salicon-2017").metrics)
    for name in ("plain", "sorted"):
        saved = Evaluation.load(f"out/{name}.h5")
        for suffix, render in ((".md", to_markdown), (".tex", to_latex)):
            written = (folder / "out" / f"{name}.salicon{suffix}").read_text(encoding="utf-8")
            assert written == render(saved, "salicon")
        assert (folder / "out" / f"{name}.md").read_text(encoding="utf-8").count("±")
    assert main(["show", "out/plain.h5", "--layout", "salicon"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("plain: 4 images, 60 fixations\nmade ")
    assert out.endswith(f"\n\n{to_text(result, 'salicon')}\n")
    assert main(["show", "out/plain.h5", "--layout", "mit300"]) == 2
    assert "layout 'mit300' needs AUC-Judd, EMD; evaluate with" in capsys.readouterr().err


def test_command_with_a_protocol_and_metrics_of_its_own(folder, capsys):
    data = ["--dataset", "sorted.h5", "--layout", "salicon"]
    metrics = ["NSS", "CC", "AUC", "sAUC", "KLDiv", "IG", "SIM", "LL"]
    assert benchmark(*data, "--protocol", "default", "--metrics", *metrics) == 0
    assert "protocol default 1 with metrics NSS, CC, AUC" in capsys.readouterr().out
    assert Evaluation.load("out/sorted.h5").metrics == metrics
    assert benchmark(*data, "--protocol", "mit-matlab", "--sigma", "4", "--out", "other") == 0
    out = capsys.readouterr().out
    assert "which goes with protocol salicon-2017" in out
    assert "protocol mit-matlab 1 with" in out
    assert "sigma 4.0; cycles None" in out  # or the width would be of no effect
    wide = Evaluation.load("other/sorted.h5")
    assert benchmark(*data, "--protocol", "mit-matlab", "--out", "cycles") == 0
    assert wide.table["CC"].iloc[0] != Evaluation.load("cycles/sorted.h5").table["CC"].iloc[0]


@pytest.mark.slow
def test_command_by_category(folder, capsys):
    layout = ["--layout", "cat2000-categories", "--sigma", "4"]
    assert benchmark("--dataset", "sorted.h5", *layout) == 0
    out = capsys.readouterr().out
    assert "protocol mit-tuebingen-cat2000 1 with sigma 4.0; prediction_sigma 4.0" in out
    result = Evaluation.load("out/sorted.h5")
    by = result.by("category")["value"]
    expected = (by["a", "uniform", "AUC"] + by["b", "uniform", "AUC"]) / 2
    found = laid_out(result, "cat2000-categories").loc["uniform", "AUC"]
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("--dataset plain.h5 --layout cat2000-categories", "These images have none; give"),
        ("--dataset plain.h5 --layout mit300 --metrics NSS CC", "layout 'mit300' needs AUC-Judd,"),
    ],
)
def test_nothing_is_scored_for_a_layout_that_can_not_be(folder, capsys, arguments, text):
    assert benchmark(*arguments.split()) == 2
    assert text in capsys.readouterr().err
    assert not list((folder / "out").rglob("*.chunk"))


def test_in_python():
    data = pictures(4)
    models = {"u": salmetrics.Uniform(), "c": salmetrics.GaussianCentreBias()}
    options = {"layout": "salicon", "n_bootstrap": 0, "progress": False}
    result = salmetrics.benchmark([data], models, **options)
    assert result.layout.name == "salicon"
    assert to_text(result.evaluations["pictures"], "salicon") in repr(result)

"""JSON documents of results."""

import json

import pytest

import salmetrics
from salmetrics.cli import main
from salmetrics.cli.arguments.documents import evaluation_document, records, table_text
from tests.cli.command_line import DATA, FILES

EXPECTED = ["optimal-map", *DATA, "--outside", "clip", "--model", "uniform", "--metric", "NSS"]
EXPECTED += ["--expected", "1", "--n-draws", "2", "--out", "maps"]


def document(capsys, arguments):
    """Return what a command prints with --json, which must be one document."""
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_scores(folder, capsys):
    command = ["evaluate", *DATA, "--model", "uniform", "--model", "flat=my_models.py:Flat"]
    printed = document(capsys, [*command, "--metrics", "LL", "AUC", "--out", "r.h5"])
    result = salmetrics.Evaluation.load("r.h5")
    assert set(printed) == {
        *("dataset", "protocol", "baseline", "gold_standard", "seed", "checks", "scores"),
        *("errors", "saved"),
    }
    assert printed["dataset"]["n_fixations"] == 40
    assert printed["saved"] == ["r.h5"]
    scores = {(row["model"], row["metric"]): row for row in printed["scores"]}
    assert scores["uniform", "LL"]["value"] == result.value("uniform", "LL")
    assert scores["flat", "LL"]["value"] is None
    assert set(scores["uniform", "LL"]) == {"model", "metric", *result.summary.columns}
    more = ["--rank", "AUC", "--compare", "--provenance"]
    shown = document(capsys, ["show", "r.h5", *more])
    assert shown["scores"] == printed["scores"]
    assert [row["model"] for row in shown["rank"]] == ["uniform", "flat"]
    assert {"first", "second", "metric", "p_value"} <= set(shown["compare"][0])
    assert shown["provenance"] == result.provenance


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        (["calibrate", *FILES, "--outside", "clip", "--model", "uniform"], {"calibrations"}),
        (["metrics"], {"metrics"}),
        (["datasets", "list"], {"datasets"}),
        (["datasets", "info", "mit1003"], {"name", "licence", "expected", "options"}),
        (EXPECTED, {"expected"}),
    ],
)
def test_commands(folder, capsys, command, keys):
    printed = document(capsys, command)
    assert keys | {"saved"} <= set(printed)
    for rows in (printed.get("calibrations"), printed.get("expected"), printed.get("metrics")):
        assert rows is None or len(rows) > 0


def test_documents_of_python(folder):
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv", sigma=3)
    result = salmetrics.evaluate(
        salmetrics.Uniform(), *dataset, metrics=["NSS"], n_bootstrap=0, progress=False
    )
    assert evaluation_document(result)["scores"][0]["value"] == 0
    assert records(result.table) == [{"NSS": 0.0}]
    assert table_text("with --x kind='a'\n- kind='a'") == "with --x kind='a'\n- kind='a'"

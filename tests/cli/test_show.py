"""`salmetrics show`."""

import json

import numpy as np

from salmetrics import Evaluation, Fixations, Stimuli, Uniform, as_model, evaluate, read_hdf5
from salmetrics.cli import main
from salmetrics.cli.arguments.documents import table_text
from salmetrics.results.rendering import comparison_text
from tests.cli.command_line import DATA, error_of


def test_show_mixtures(result, capsys):
    assert main(["show", "r.h5", "--mixtures", "2"]) == 0
    assert "wide + narrow" in capsys.readouterr().out


def test_table_and_provenance(result, capsys):
    saved = Evaluation.load("r.h5")
    assert main(["show", "r.h5", "--provenance"]) == 0
    out = capsys.readouterr().out
    n = saved.provenance["dataset"]["n_fixations"]
    assert out.startswith(f"generated: 4 images, {n} fixations\nmade 20")
    before, after = out.split(f"\n\n{table_text(saved)}\n\n")
    assert before.count("\n") == 1
    assert json.loads(after) == json.loads(json.dumps(saved.provenance))


def test_ranks_groups_and_pairs(result, capsys):
    saved = Evaluation.load("r.h5")
    assert main(["show", "r.h5", "--rank", "IG", "--by", "subject", "--compare"]) == 0
    out = capsys.readouterr().out
    assert saved.rank("IG").round(4).to_string() in out
    values = saved.by("subject")
    cells = [line.split() for line in out.splitlines()]
    for (subject, model, metric), row in values[values.value.notna()].iterrows():
        found = [c for c in cells if c[:3] == [str(subject), model, metric]]
        assert len(found) == 1
        assert float(found[0][3]) == round(row.value, 4)
    assert out.endswith(f"\n\n{comparison_text(saved.compare())}\n")


def test_groups_of_fixations(result, capsys):
    saved = Evaluation.load("r.h5")
    assert main(["show", "r.h5", "--by", "x", "--bins", "3"]) == 0
    out = capsys.readouterr().out
    for group, model, metric in saved.by("x", bins=3).index:
        assert len([line for line in out.splitlines() if f"{group} " in line and model in line]) > 0
        assert f" {metric} " in out
    assert main(["show", "r.h5", "--by", "x", "--bins", "10.5", "20"]) == 0
    assert "10.5 to 20" in capsys.readouterr().out
    assert "--bins needs --by" in error_of(capsys, "show r.h5 --bins 3")
    assert "no 'age'; give them to the stimuli, or ask for 'subject' or for a column" in error_of(
        capsys, "show r.h5 --by age"
    )


def test_many_groups_of_numbers(folder, capsys):
    n = 40
    fixations = Fixations.from_arrays(
        np.arange(n) % 30, np.arange(n) % 20, np.zeros(n, int), duration=np.arange(n), index=[1] * n
    )
    stimuli = Stimuli.from_sizes([(20, 30)])
    evaluate(Uniform(), stimuli, fixations, metrics=["AUC"], n_bootstrap=0).save("s.h5")
    assert main(["show", "s.h5", "--by", "duration"]) == 0
    out = capsys.readouterr().out
    assert "the first 30 of 40 groups, one per value of duration: --bins 4 makes four" in out
    assert sum(" uniform " in line for line in out.splitlines()) == 30
    for words in (["duration", "--bins", "4"], ["index"]):
        assert main(["show", "s.h5", "--by", *words]) == 0
        assert "the first 30" not in capsys.readouterr().out
    assert main(["show", "s.h5", "--by", "duration", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["by"]) == n


def test_errors_come_before_anything_is_printed(result, capsys):
    assert main(["show", "r.h5", "--by", "age"]) == 2
    assert capsys.readouterr().out == ""


def test_what_was_left_out(folder, capsys):
    stimuli = Stimuli.from_sizes([(20, 30)])
    fixations = Fixations.from_arrays([3, 4, 99], [5, 6, 7], [0, 0, 0]).drop_outside(stimuli)
    evaluate(Uniform(), stimuli, fixations, metrics=["AUC"], n_bootstrap=0).save("s.h5")
    assert main(["show", "s.h5"]) == 0
    out = capsys.readouterr().out
    assert "\nleft out or moved: 1 fixations outside their image\nmade " in out


def test_errors(result, capsys):
    assert "there is no file 'none.h5'" in error_of(capsys, "show none.h5")
    assert "--rank must be one of" in error_of(capsys, "show r.h5 --rank CC")
    assert "needs" in error_of(capsys, "show r.h5 --layout mit300")


def test_failed_predictions(folder, capsys):
    (folder / "my_models.py").write_text(
        "def some(stimulus):\n"
        "    if stimulus.id != '0.png':\n"
        "        raise RuntimeError('no\\nluck')\n"
        "    return stimulus.rgb[:, :, 0]\n"
    )
    command = ["evaluate", *DATA, "--model", "my_models.py:some", "--kind", "saliency_map"]
    command += ["--model", "twice=my_models.py:some", "--metrics", "NSS", "--n-bootstrap", "0"]
    assert main([*command, "--on-error", "record", "--out", "r.h5"]) == 0
    text = (
        "- 4 predictions failed and are left out: see the errors of the result\n\nerrors: 4\n"
        "- some on '1.png': RuntimeError: no luck\n- some on '2.png': RuntimeError: no luck\n"
        "- twice on '1.png': RuntimeError: no luck\n- and 1 more; --json lists all\n"
    )
    assert text in capsys.readouterr().out
    assert main(["show", "r.h5"]) == 0
    assert capsys.readouterr().out.endswith(text)
    assert main(["show", "r.h5", "--json"]) == 0
    errors = json.loads(capsys.readouterr().out)["errors"]
    assert [error["image"] for error in errors] == ["1.png", "2.png"] * 2
    assert errors[0]["error"] == "RuntimeError: no\nluck"


def test_notes_of_a_result_name_options(result, capsys):
    dataset = read_hdf5("data.h5")
    model = as_model(lambda stimulus: stimulus.rgb[:, :, 0], kind="saliency_map")
    evaluate(model, *dataset, metrics=["NSS", "LL"], n_bootstrap=0).save("m.h5")
    assert main(["show", "m.h5"]) == 0
    text = "turn the maps into densities first, with evaluate --fit-density\n"
    assert text in capsys.readouterr().out

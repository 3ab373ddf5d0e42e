"""`quasistatic report`: one file, with or without data."""

import json

import polars as pl
import pytest

from quasistatic.report import output
from surface.conftest import contents, refused, run


@pytest.fixture
def few_trajectories():
    return ["--trajectories", 4]


def test_a_report_on_data(model, tmp_path, penguins_path, few_trajectories):
    out = tmp_path / "report.html"
    outcome = run("report", model, penguins_path, "-o", out, *few_trajectories, "--json")
    assert outcome.code == 0, outcome.stderr
    page = out.read_text(encoding="utf-8")
    for words in (
        "bill_",
        "Likelihood is not outlierness",
        "Crooks",
        "prefers-color-scheme: dark",
        "4-fold cross-validation",
    ):
        assert words in page
    values = json.loads(outcome.stdout)
    assert (values["rows"], values["rows_with_missing_cells"]) == (344, 11)
    assert values["fitted_on_these_rows"] is True
    assert values["score"]["scored_rows"] == 333
    assert values["score"]["upper_kind"] == "asymptotic"
    assert values["certificate"]["stored"] is False
    assert set(values["marginals"]) == set(pl.read_csv(penguins_path).columns)
    assert "11 of 344 rows have missing cells" in outcome.stderr
    again = tmp_path / "again.html"
    assert run("report", model, penguins_path, "-o", again, *few_trajectories, "--quiet").code == 0
    assert again.read_bytes() == out.read_bytes()


def test_a_report_without_data_in_the_usual_place(model, tmp_path, monkeypatch, few_trajectories):
    monkeypatch.chdir(tmp_path)
    before = contents(model)
    outcome = run("report", model, *few_trajectories, "--quiet")
    assert outcome.code == 0, outcome.stderr
    assert "Held-out bound" in outcome.stdout
    assert "Base measure" in outcome.stdout
    assert "No data were given" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert contents(model) == before  # the certificate of the page is not stored
    message = refused("report", model, *few_trajectories, folder=tmp_path)
    assert "--force" in message


def test_what_is_refused(model, tmp_path, penguins_path, monkeypatch):
    out = tmp_path / "r.html"
    assert "ends in .html" in refused(
        "report", model, penguins_path, "-o", tmp_path / "r.csv", folder=tmp_path
    )
    assert "no such model folder" in refused(
        "report", tmp_path / "none", "-o", out, folder=tmp_path
    )
    pl.read_csv(penguins_path).drop("sex").write_csv(tmp_path / "narrow.csv")
    assert "missing column(s): 'sex'" in refused(
        "report", model, tmp_path / "narrow.csv", "-o", out, folder=tmp_path
    )
    usage = run("report", model, penguins_path, "-o", out, "--trajectories", 2)
    assert usage.code == 2
    assert "trajectories" in usage.stderr
    message = refused("report", model, "--learning-curve", "-o", out, folder=tmp_path)
    assert "no rows to fit on" in message
    message = refused("report", model, "--train", penguins_path, "-o", out, folder=tmp_path)
    assert "no hold-out to measure it by" in message
    message = refused(
        "report", model, penguins_path, "--train", penguins_path, "-o", out, folder=tmp_path
    )
    assert "no hold-out" in message
    monkeypatch.setattr(output, "find_spec", lambda name: None)
    message = refused("report", model, "-o", out, folder=tmp_path)
    assert "needs jinja2 and matplotlib, which are not installed" in message
    assert 'pip install "quasistatic[report]"' in message

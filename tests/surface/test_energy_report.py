"""`quasistatic report` of an energy: log Z with its sides, log p, columns and pairs."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from quasistatic import load
from quasistatic.data.table import Table
from quasistatic.report.energy import find_energy, render_energy
from quasistatic.rivals.normaliser import Normaliser
from surface.conftest import refused, run
from unit.report.test_page import Page


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A folder with a Boltzmann machine, its table and other rows."""
    folder = tmp_path_factory.mktemp("energy")
    rng = np.random.default_rng(0)
    hidden = rng.random((220, 1)) < 0.5
    rows = (rng.random((220, 6)) < np.where(hidden, 0.8, 0.2)).astype(int)
    frame = pl.DataFrame(rows, schema=["<b>", *"abcde"], orient="row")
    frame[:200].write_csv(folder / "bits.csv")
    frame[200:].write_csv(folder / "other.csv")
    options = ["--model", "boltzmann", "--method", "bethe", "--graph", "2x3", "--quiet"]
    assert run("fit", folder / "bits.csv", "-o", folder / "model", *options).code == 0
    return folder


def test_a_report_of_an_energy(machine, tmp_path):
    out, model = tmp_path / "report.html", machine / "model"
    outcome = run("report", model, machine / "other.csv", "-o", out, "--json")
    assert outcome.code == 0, outcome.stderr
    values = json.loads(outcome.stdout)
    density = load(model)
    log_p = density.log_likelihood(pl.read_csv(machine / "other.csv"))
    assert values["score"]["mean"] == pytest.approx(log_p.mean)
    assert values["normaliser"]["kind"] == "exact"
    assert values["fitted_on_these_rows"] is False
    assert set(values["marginals"]) == {"<b>", *"abcde"}
    page = Page(out.read_text(encoding="utf-8"))
    assert f"{log_p.mean:.2f}" in page.text
    assert "Z summed exactly" in page.text
    assert f"{values['normaliser']['upper']:.3f}" in page.text
    assert "b" not in page.tags
    ids = [a["id"] for _, a in page.attributes if "id" in a]
    links = [a["href"][1:] for _, a in page.attributes if "href" in a]
    assert set(links) <= set(ids)
    assert len(ids) == len(set(ids))
    message = refused("report", model, machine / "other.csv", "-o", tmp_path / "r.html",
                      "--learning-curve", folder=tmp_path)  # fmt: skip
    assert "leave out --train and --learning-curve" in message
    alone = run("report", model, "-o", tmp_path / "alone.html", "--quiet")
    assert alone.code == 0, alone.stderr
    assert "No data were given" in (tmp_path / "alone.html").read_text(encoding="utf-8")


def test_both_sides_of_log_z_are_told(machine):
    density = load(machine / "model")
    table = Table(pl.read_csv(machine / "bits.csv"), "bits.csv")
    holes = table.with_values(table.frame.with_columns(a=pl.Series([None, *table.frame["a"][1:]])))
    told = Normaliser("ais", 1.25, 1.75, 0.01, 0.02)
    density.fitted_ = replace(density.fitted_, normaliser=told)
    density.manifest_ = density.manifest_ | {"normaliser": told.to_json()}
    text = Page(render_energy(find_energy(density, table, name="model"))).text
    for words in ("1.250 ± 0.010", "1.750 ± 0.020", "0.500", "upper side (asymptotic)"):
        assert words in text
    assert "the table that the energy was fitted on" in text
    found = find_energy(density, holes, name="model")
    assert len(found.likelihood.lower) == 199
    assert "1 of 200 rows have missing cells" in Page(render_energy(found)).text
    nothing = Normaliser("none", 0.0, 0.0)
    density.fitted_ = replace(density.fitted_, normaliser=nothing)
    density.manifest_ = density.manifest_ | {"normaliser": nothing.to_json()}
    text = Page(render_energy(find_energy(density, table, name="model"))).text
    assert "No Z was taken" in text
    assert "unnormalised" in text

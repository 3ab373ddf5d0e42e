"""`fit --where`, and what the other commands say and do of constraints."""

import json

import polars as pl
import pytest

from surface.conftest import refused, run
from unit.estimator.test_constraints import CONSTRAINTS, stays

MIXTURE = ["--model", "mixture", "--components", "2", "--quiet"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("stays") / "stays.csv"
    stays().write_csv(path)
    return path


@pytest.fixture(scope="module")
def constrained(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("constrained") / "model"
    where = [part for text in CONSTRAINTS for part in ("--where", text)]
    outcome = run("fit", data, "-o", folder, *where, "--unique", "start, city, a", *MIXTURE)
    assert outcome.code == 0, outcome.stderr
    return folder


def test_constraints_are_shown_and_stored(constrained):
    outcome = run("inspect", constrained, "--json")
    found = json.loads(outcome.stdout)
    assert found["constraints"] == [*CONSTRAINTS, "unique start, city, a"]
    assert "adding nothing: total, r, country" in found["base_measure"]
    assert "end > start" in outcome.stderr  # the printed schema
    schema = json.loads((constrained / "schema.json").read_text())
    assert schema["constraints"] == found["constraints"]


def test_samples_and_conditions_of_the_command_line(constrained, tmp_path):
    assert run("sample", constrained, "-n", 50, "-o", tmp_path / "s.csv").code == 0
    drawn = pl.read_csv(tmp_path / "s.csv", try_parse_dates=True)
    assert (drawn["end"] > drawn["start"]).all()
    outcome = run(
        "condition", constrained, "--given", "end - start <= 2 days", "--given", "country=FR",
        "-n", 40, "-o", tmp_path / "c.csv", "--json",
    )  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    given = pl.read_csv(tmp_path / "c.csv", try_parse_dates=True)
    assert ((given["end"] - given["start"]).dt.total_days() <= 2).all()
    assert set(given["country"]) == {"FR"}
    assert json.loads(outcome.stdout)["log_evidence_nats"] < 0


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (["start > end"], "row(s) violate the constraint 'start > end': row 1: "),
        (["end > start", "start > end"], "no value is left of end - start"),
        (["end > begin"], "'begin' is neither a column nor a number"),
    ],
)
def test_constraints_that_cannot_hold_are_refused_before_any_work(data, tmp_path, where, message):
    options = [part for text in where for part in ("--where", text)]
    said = refused("fit", data, "-o", tmp_path / "model", *options, *MIXTURE, folder=tmp_path)
    assert message in said

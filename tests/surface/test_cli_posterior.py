"""`impute` and `condition` as users run them."""

import json

import polars as pl
import pytest

from surface.conftest import refused, run

HOLES = "species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(HOLES + "Adelie,,39.1,18.7,181,3750,male,2007\n,Biscoe,46.1,NA,211,4500,NA,2007\n")
    return path


def test_impute_writes_filled_tables(model, tmp_path, table):
    outcome = run("impute", model, table, "-o", tmp_path / "filled.csv", "-m", 2, "--particles", 4)
    assert outcome.code == 0, outcome.stderr
    assert "4 holes of 2 rows filled" in outcome.stdout
    for i in (1, 2):
        frame = pl.read_csv(tmp_path / f"filled-{i}.csv")
        assert frame.null_count().sum_horizontal().item() == 0
        assert frame["bill_length_mm"].to_list() == [39.1, 46.1]
        assert frame["species"][0] == "Adelie"
    done = run("impute", model, table, "-o", tmp_path / "one.csv", "--point", "--json")
    assert json.loads(done.stdout)["holes"] == 4
    message = refused("impute", model, table, "-o", "-", "-m", 2, folder=tmp_path)
    assert "standard output" in message
    assert "one table" in refused("impute", model, table, "-o", tmp_path / "p.csv", "--point", "-m", 3, folder=tmp_path)


def test_condition_writes_the_rows_asked_for(model, tmp_path):
    out = tmp_path / "rows.csv"
    given = ["--given", "sex=female", "--given", "body_mass_g>=3500", "--given", "body_mass_g<4500"]
    given += ["--given", "species=Adelie|Gentoo"]
    outcome = run("condition", model, *given, "-n", 17, "-o", out, "--particles", 16)
    assert outcome.code == 0, outcome.stderr
    assert "Log evidence: -" in outcome.stdout
    assert "effective particles" in outcome.stdout
    assert "Base measure: counting measure on sex" in outcome.stdout
    frame = pl.read_csv(out)
    assert frame.height == 17
    assert set(frame["sex"]) == {"female"}
    assert set(frame["species"]) <= {"Adelie", "Gentoo"}
    assert frame["body_mass_g"].min() >= 3500
    assert frame["body_mass_g"].max() < 4500


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["size=3"], "unknown column"),
        (["sex=neither"], "no category"),
        (["body_mass_g"], "no condition"),
        (["sex>3"], "a range"),
        (["body_mass_g>5000", "body_mass_g<4000"], "no value lies"),
        (["body_mass_g>5000", "body_mass_g>4000"], "two limits"),
        (["sex=male", "sex=female"], "twice"),
        (["body_mass_g>heavy"], "no number"),
    ],
)
def test_bad_conditions(model, tmp_path, given, words):
    options = [part for text in given for part in ("--given", text)]
    assert words in refused("condition", model, *options, "-n", 3, "-o", tmp_path / "rows.csv", folder=tmp_path)

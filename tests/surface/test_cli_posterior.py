"""`impute`, `condition`, `denoise` and `outliers` as users run them."""

import json

import polars as pl
import pytest

from quasistatic.cli.outliers import beside
from surface.conftest import refused, run

HOLES = "species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(
        HOLES + "Adelie,,39.1,18.7,181,3750,male,2007\n,Biscoe,46.1,NA,211,4500,NA,2007\n"
    )
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
    assert "one table" in refused(
        "impute", model, table, "-o", tmp_path / "p.csv", "--point", "-m", 3, folder=tmp_path
    )


def test_condition_writes_the_rows_asked_for(model, tmp_path):
    out = tmp_path / "rows.csv"
    given = ["--given", "sex=female", "--given", "body_mass_g>=3500", "--given", "body_mass_g<4500"]
    given += ["--given", "species=Adelie|Gentoo", "--given", "2007 < year <= 2009"]
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
    assert set(frame["year"]) <= {2008, 2009}


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
        (["3000<body_mass_g<5000", "body_mass_g>4000"], "two limits"),
        (["5000<body_mass_g<4000"], "no value lies"),
    ],
)
def test_bad_conditions(model, tmp_path, given, words):
    options = [part for text in given for part in ("--given", text)]
    assert words in refused(
        "condition", model, *options, "-n", 3, "-o", tmp_path / "rows.csv", folder=tmp_path
    )


def test_impute_fills_a_column_and_a_row_that_are_missing_altogether(model, tmp_path):
    data, out = tmp_path / "gaps.csv", tmp_path / "filled.csv"
    data.write_text(
        HOLES + "Adelie,,39.1,18.7,,3750,male,2007\n,Biscoe,46.1,NA,,4500,NA,2007\n,,,,,,,\n"
    )
    outcome = run("impute", model, data, "-o", out, "-m", 1, "--particles", 4)
    assert outcome.code == 0, outcome.stderr
    frame = pl.read_csv(out)
    assert frame.height == 3
    assert frame.null_count().sum_horizontal().item() == 0
    data.write_text("species,island\nAdelie,\n")
    message = refused("impute", model, data, "-o", tmp_path / "more.csv", folder=tmp_path)
    assert "'flipper_length_mm'" in message
    assert "missing column(s)" in message


def test_denoise_writes_posterior_means(model, tmp_path, table):
    out = tmp_path / "clean.csv"
    options = [
        "--sigma",
        "body_mass_g=300",
        "-s",
        "bill_depth_mm=1.5",
        "--particles",
        4,
        "--draws",
        4,
    ]
    outcome = run("denoise", model, table, "-o", out, *options, "--json")
    assert outcome.code == 0, outcome.stderr
    assert json.loads(outcome.stdout)["sigma"] == {"body_mass_g": 300.0, "bill_depth_mm": 1.5}
    before, after = (pl.read_csv(path, null_values="NA") for path in (table, out))
    noisy = ["body_mass_g", "bill_depth_mm"]
    assert after.drop(noisy).equals(before.drop(noisy))
    assert (
        after.select(noisy).null_count().sum_horizontal().item() == 0
    )  # the hole is filled by its mean
    assert (after["body_mass_g"] != before["body_mass_g"]).any()


@pytest.mark.parametrize(
    ("sigma", "words"),
    [
        (["body_mass_g"], "no column with a number"),
        (["body_mass_g=much"], "no column with a number"),
        (["body_mass_g=0"], "positive"),
        (["body_mass_g=-2"], "positive"),
        (["body_mass_g=inf"], "positive"),
        (["weight=2"], "no column of numbers"),
        (["sex=2"], "no column of numbers"),
        (["body_mass_g=2", "body_mass_g=3"], "twice"),
    ],
)
def test_bad_sigma(model, tmp_path, table, sigma, words):
    options = [part for text in sigma for part in ("--sigma", text)]
    assert words in refused(
        "denoise", model, table, *options, "-o", tmp_path / "clean.csv", folder=tmp_path
    )


def test_outliers_ranks_rows_and_names_a_column(model, tmp_path, penguins_path):
    rows = pl.read_csv(penguins_path, null_values="NA").head(12)  # the fourth has holes
    rows = rows.with_columns(
        body_mass_g=pl.when(pl.int_range(pl.len()) == 6).then(9000).otherwise("body_mass_g")
    )
    rows.write_csv(tmp_path / "rows.csv")
    out = tmp_path / "outliers.csv"
    outcome = run(
        "outliers", model, tmp_path / "rows.csv", "-o", out, "--particles", 2, "--json", "--top", 5
    )
    assert outcome.code == 0, outcome.stderr
    frame = pl.read_csv(out, null_values="NA")
    assert frame.columns == ["rank", "row", "score", "blame", "log_p", "surprise", *rows.columns]
    assert frame["rank"].to_list() == [1, 2, 3, 4, 5]
    assert frame.row(0, named=True)["row"] == 7
    assert frame["blame"][0] == "body_mass_g"
    assert frame["body_mass_g"][0] == 9000
    values = json.loads(outcome.stdout)
    assert values["rows"] == 5
    assert values["first"][0]["blame"] == "body_mass_g"
    for score in ("bound", "typicality"):
        done = run(
            "outliers",
            model,
            tmp_path / "rows.csv",
            "-o",
            "-",
            "--score",
            score,
            "--particles",
            2,
            "--top",
            1,
        )
        assert done.code == 0, done.stderr
        assert done.stdout.splitlines()[0].startswith("rank,row,score,blame")


def test_names_that_the_table_has_too():
    ranked = pl.DataFrame({"rank": [1], "row": [3], "score": [-2.0]})
    frame = beside(ranked, pl.DataFrame({"score": [5], "score_": [6]}))
    assert frame.columns == ["rank", "row", "score__", "score", "score_"]
    assert frame.row(0) == (1, 3, -2.0, 5, 6)


@pytest.mark.parametrize("options", [["--score", "odd"], ["--top", 0], ["--particles", 1]])
def test_bad_options_of_outliers(model, tmp_path, penguins_path, options):
    outcome = run("outliers", model, penguins_path, "-o", tmp_path / "o.csv", *options)
    assert outcome.code == 2
    assert options[0] in outcome.stderr
    assert not (tmp_path / "o.csv").exists()


def test_evidence_far_outside_the_table_is_reported_with_a_figure(model, tmp_path, table):
    with pytest.warns(UserWarning, match="'body_mass_g'.* standard deviations"):
        run(
            "condition",
            model,
            "-g",
            "body_mass_g=90000",
            "-n",
            2,
            "-o",
            tmp_path / "r.csv",
            "--particles",
            4,
        )
    with pytest.warns(UserWarning, match="'body_mass_g'.* standard deviations"):
        run(
            "condition",
            model,
            "-g",
            "body_mass_g>90000",
            "-n",
            2,
            "-o",
            tmp_path / "s.csv",
            "--particles",
            4,
        )
    table.write_text(
        HOLES + "Adelie,Biscoe,39.1,18.7,181,3750,male,2007\n,,39.1,18.7,181,90000,male,2007\n"
    )
    with pytest.warns(UserWarning, match="row 2, column 'body_mass_g'"):
        run("impute", model, table, "-o", tmp_path / "i.csv", "-m", 1, "--particles", 4)

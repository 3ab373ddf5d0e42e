"""`quasistatic privacy`: numbers, words, and what is refused."""

import json

import polars as pl

from surface.conftest import refused, run


def test_is_a_synthetic_table_somebodys_data(fitted, tmp_path, penguins_path):
    whole = pl.read_csv(penguins_path, null_values="NA").drop_nulls()
    paths = [tmp_path / "train.csv", tmp_path / "held-out.csv"]
    for path, rows in zip(paths, (whole[:200], whole[200:]), strict=True):
        rows.write_csv(path)
    outcome = run("privacy", fitted, *paths, "-n", 50, "--rows", 40, "--json")
    assert outcome.code == 0, outcome.stderr
    values = json.loads(outcome.stdout)
    assert (values["drawn"], values["train"], values["holdout"]) == (50, 200, 133)
    assert values["fitted_on_train"] is False  # on all penguins
    assert values["membership"]["rows"] == [40, 40]
    assert set(values["guesses"]) == set(whole.columns)
    assert "differential privacy" in outcome.stderr
    copies = ["--synthetic", paths[0], "--rows", 40, "--quiet"]
    outcome = run("privacy", fitted, *paths, *copies)
    assert outcome.code == 0, outcome.stderr
    assert "200 of 200 drawn rows (100.0 %) equal a training row" in outcome.stdout
    message = refused("privacy", fitted, *paths, *copies, "-n", 30, folder=tmp_path)
    assert "leave out -n" in message
    message = refused("privacy", fitted, paths[0], penguins_path, folder=tmp_path)
    assert "the table that the model was fitted on" in message
    message = refused("privacy", fitted, paths[0], paths[0], folder=tmp_path)
    assert "these are the rows of" in message
    whole.drop("sex").write_csv(paths[1])
    assert "missing column" in refused("privacy", fitted, *paths, folder=tmp_path)

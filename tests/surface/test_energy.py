"""An energy from the command line and from Python: fitted, scored, sampled, saved; refused with a
reason."""

import json

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone

from quasistatic import DataError, SchemaError, SettingError, load
from quasistatic.estimator import EnergyDensity
from surface.conftest import refused, run


@pytest.fixture(scope="module")
def bits(tmp_path_factory):
    """200 rows of six columns that go together, in a file."""
    rng = np.random.default_rng(0)
    hidden = rng.random((200, 1)) < 0.5
    rows = (rng.random((200, 6)) < np.where(hidden, 0.8, 0.2)).astype(int)
    path = tmp_path_factory.mktemp("bits") / "bits.csv"
    pl.DataFrame(rows, schema=[f"c{i}" for i in range(6)], orient="row").write_csv(path)
    return path


@pytest.mark.parametrize(
    "options",
    [
        ["--model", "boltzmann"],
        ["--model", "boltzmann", "--method", "bethe", "--graph", "2x3"],
        ["--model", "rbm", "--hidden", "3", "--updates", "200"],
    ],
    ids=["mpf", "bethe", "rbm"],
)
def test_fit_score_sample_inspect(bits, tmp_path, options):
    model = tmp_path / "model"
    outcome = run("fit", bits, "-o", model, *options)
    assert outcome.code == 0, outcome.stderr
    assert "nats per row (log p(row), Z summed exactly)" in outcome.stdout
    scores = tmp_path / "scores.csv"
    scored = run("score", model, bits, "-o", scores, "--json")
    assert scored.code == 0, scored.stderr
    values = json.loads(scored.stdout)
    assert values["method"] == "exact"
    assert -6 * np.log(2) < values["mean"] < -2
    # Exact means normalised: all 64 rows together have probability 1.
    every = np.array(np.meshgrid(*[[0, 1]] * 6)).reshape(6, -1).T
    frame = pl.DataFrame(every, schema=[f"c{i}" for i in range(6)], orient="row")
    assert abs(np.exp(load(model).score_samples(frame)).sum() - 1) < 1e-5
    drawn = tmp_path / "drawn.csv"
    assert run("sample", model, "-n", 50, "-o", drawn).code == 0
    rows = pl.read_csv(drawn)
    assert rows.columns == frame.columns
    assert set(np.unique(rows.to_numpy())) <= {0, 1}
    shown = run("inspect", model)
    assert shown.code == 0, shown.stderr
    assert "counting measure" in shown.stdout


def test_what_an_energy_cannot_do_is_refused(bits, tmp_path, penguins_path):
    model = tmp_path / "model"
    base = ["fit", bits, "-o", model]
    for options, words in (
        (["--model", "rbm", "--width", "3"], "--width has no meaning for --model rbm"),
        (["--hidden", "3"], "--hidden has no meaning for --model diffusion"),
        (["--model", "rbm", "--method", "bethe"], "does not learn an energy 'rbm'"),
        (["--model", "boltzmann", "--method", "best"], "is none of exact"),
        (["--model", "boltzmann", "--graph", "3x3"], "not the table's"),
        (["--model", "boltzmann", "--graph", "star"], "is no graph"),
        (["--model", "boltzmann", "--method", "cd", "--l1", "1"], "has no meaning for the method"),
    ):
        assert words in refused(*base, *options, folder=tmp_path)
    told = refused("fit", penguins_path, "-o", model, "--model", "boltzmann", folder=tmp_path)
    assert "column 'species'" in told
    assert "binary columns alone" in told
    assert run(*base, "--model", "boltzmann", "--method", "mean-field").code == 0
    for command in (
        ["score", model, bits, "-o", tmp_path / "s.csv", "--method", "ais"],
        ["sample", model, "-n", 3, "-o", tmp_path / "s.csv", "--steps", "2"],
        ["certify", model],
        ["inspect", model, "--ledger"],
    ):
        assert "leave out" in (told := refused(*command, folder=tmp_path)) or "diffusion" in told


def test_the_estimator(bits):
    frame = pl.read_csv(bits)
    density = EnergyDensity(method="pseudolikelihood", random_state=3)
    assert clone(density).get_params() == density.get_params()
    density.fit(frame)
    found = density.log_likelihood(frame)
    assert density.score(frame) == found.mean
    assert found.method == "exact"
    assert density.sample(5, random_state=1).equals(density.sample(5, random_state=1))
    with pytest.raises(DataError, match="row 1, column 'c0'"):
        density.score_samples(frame.with_columns(c0=pl.lit(None, pl.Int64)))
    with pytest.raises(DataError, match="missing"):
        EnergyDensity().fit(frame.with_columns(c0=pl.Series([None, *frame["c0"][1:]])))
    with pytest.raises(SchemaError):
        density.score_samples(frame.with_columns(c0=pl.lit(7)))
    for setting in ({"hidden": 0}, {"l2": -1.0}, {"normaliser": "some"}, {"energy": "ising"}):
        with pytest.raises(SettingError):
            EnergyDensity(**setting).fit(frame)


@pytest.mark.parametrize("normaliser", ["ais", "none"])
def test_which_normaliser_was_taken_is_said(bits, normaliser):
    """The two sides of annealing hold the exact value between them, within six errors."""
    frame = pl.read_csv(bits)
    settings = {"method": "bethe", "graph": (2, 3), "random_state": 0}
    exact = EnergyDensity(**settings).fit(frame).log_likelihood(frame)
    found = EnergyDensity(**settings, normaliser=normaliser).fit(frame).log_likelihood(frame)
    assert found.method == normaliser
    if normaliser == "none":
        assert "unnormalised" in found.meaning
        assert "unnormalised" in found.base_measure
        assert np.ptp(found.lower - exact.lower) < 1e-6
    else:
        assert (found.lower - 6 * found.stderr < exact.lower).all()
        assert (exact.lower < found.upper + 6 * found.stderr_upper).all()
        assert found.gap[0] < 0.1


def test_what_was_saved_is_loaded(bits, tmp_path):
    frame = pl.read_csv(bits)
    for number, density in enumerate(
        (
            EnergyDensity(graph=[(0, 1), (2, 5)], random_state=0),
            EnergyDensity(energy="rbm", hidden=2, method="mpf"),
        )
    ):
        density.fit(frame).save(tmp_path / str(number))
        again = load(tmp_path / str(number))
        assert isinstance(again, EnergyDensity)
        np.testing.assert_array_equal(again.score_samples(frame), density.score_samples(frame))
        assert again.sample(4, random_state=2).equals(density.sample(4, random_state=2))

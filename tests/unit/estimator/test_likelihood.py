"""What `log_likelihood` returns: normalised, with its error, its unit and its terms."""

import itertools

import numpy as np
import pandas as pd
import pytest

from quasistatic import DiffusionDensity, Schema
from quasistatic.errors import SettingError

KERNELS = ["absorbing", "binomial", "categorical"]
STATES = pd.DataFrame(itertools.product("yn", "xyz", [0, 1]), columns=["left", "middle", "right"])


def discrete_rows(n: int) -> pd.DataFrame:
    """Three dependent columns: every state occurs, some often."""
    rng = np.random.default_rng(2)
    middle = rng.choice(["x", "y", "z"], n, p=[0.6, 0.3, 0.1])
    left = np.where(rng.random(n) < np.where(middle == "x", 0.8, 0.3), "y", "n")
    right = (rng.random(n) < np.where(left == "y", 0.7, 0.2)).astype(int)
    return pd.DataFrame({"left": left, "middle": middle, "right": right})


@pytest.fixture(scope="module", params=KERNELS)
def discrete_model(request, fit_tiny, build_tiny) -> DiffusionDensity:
    """One that is trained; of the other kernels, random ones."""
    if request.param == "absorbing":
        return fit_tiny(discrete_rows(120), max_steps=40, learning_rate=0.02)
    return build_tiny(discrete_rows(120), discrete_kernel=request.param)


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    return np.random.default_rng(4).poisson(5, size=(48, 1))


@pytest.fixture(scope="module")
def count_model(build_tiny, counts) -> DiffusionDensity:
    return build_tiny(counts)


class TestTotalProbability:
    def test_over_all_states(self, discrete_model):
        likelihood = discrete_model.log_likelihood(STATES, method="ais", trajectories=256)
        masses = np.exp(likelihood.lower)
        error = np.sqrt(np.sum((masses * likelihood.stderr) ** 2))
        assert error < 0.05
        assert np.sum(masses) == pytest.approx(1.0, abs=6 * error + 1e-4)

    def test_the_bound_leaves_some_out(self, discrete_model):
        masses = np.exp(discrete_model.log_likelihood(STATES, trajectories=64).lower)
        assert 0.3 < np.sum(masses) < 1.02

    def test_the_model_has_learned_something(self, discrete_model):
        likelihood = discrete_model.log_likelihood(STATES, method="ais", trajectories=64)
        assert np.std(np.exp(likelihood.lower)) > 0.02

    def test_samples_have_the_masses(self, discrete_model):
        masses = np.exp(discrete_model.log_likelihood(STATES, method="ais", trajectories=256).lower)
        drawn = discrete_model.sample(4096, random_state=1)
        counted = STATES.merge(drawn.value_counts().rename("n").reset_index(), how="left")[
            "n"
        ].fillna(0)
        expected = 4096 * masses
        assert (
            np.sum((counted - expected) ** 2 / expected) < 60
        )  # 11 degrees of freedom: chance 1e-8

    def test_over_the_integers(self, count_model):
        likelihood = count_model.log_likelihood(
            np.arange(-60, 80)[:, None], method="ais", trajectories=64
        )
        masses = np.exp(likelihood.lower)
        error = np.sqrt(np.nansum((masses * likelihood.stderr) ** 2))
        assert np.sum(masses) == pytest.approx(1.0, abs=6 * error + 1e-3)
        assert error < 0.05

    def test_a_density_integrates_to_one(self, build_tiny):
        X = np.random.default_rng(5).normal(3.0, 0.5, size=(48, 1))
        grid = np.linspace(-3.0, 9.0, 601)
        likelihood = build_tiny(X).log_likelihood(grid[:, None], method="ais", trajectories=64)
        density = np.exp(likelihood.lower)
        assert np.sum(density) * (grid[1] - grid[0]) == pytest.approx(1.0, abs=0.05)


@pytest.fixture(scope="module", params=["bound", "ais"])
def result(request, mixed_model, mixed):
    return mixed_model.log_likelihood(mixed.dropna(), method=request.param, trajectories=3)


class TestFields:
    def test_unit_and_measure(self, result):
        assert result.unit == "nats per row"
        assert "Lebesgue measure on mass, short" in result.base_measure
        assert "counting measure" in result.base_measure
        for name in ("level", "count (integer)", "flag", "day", "site"):
            assert name in result.base_measure

    def test_shapes_and_numbers(self, result, mixed):
        n = len(mixed.dropna())
        assert result.trajectories == 3
        for values in (result.lower, result.stderr, result.ess):
            assert values.shape == (n,)
            assert values.dtype == np.float64
        assert np.isfinite(result.lower).all()
        assert (result.stderr >= 0).all()
        assert result.mean == pytest.approx(result.lower.mean())
        assert result.mean_stderr == pytest.approx(result.lower.std(ddof=1) / np.sqrt(n))

    def test_effective_sample_size(self, result):
        if result.method == "bound":
            assert np.isnan(result.ess).all()
        else:
            assert (result.ess >= 1 - 1e-9).all()
            assert (result.ess <= 3 + 1e-9).all()

    def test_terms(self, result):
        if result.method == "ais":
            assert result.terms == {}
        else:
            assert list(result.terms) == [
                "prior",
                "diffusion",
                "reconstruction",
                "filler",
                "log_volume",
            ]
            np.testing.assert_allclose(sum(result.terms.values()), result.lower, atol=1e-5, rtol=0)
            assert (result.terms["prior"] <= 1e-5).all()
            assert (result.terms["filler"] == 0).all()

    @pytest.mark.parametrize("method", ["bound", "ais"])
    def test_one_trajectory_has_no_error(self, count_model, counts, method):
        result = count_model.log_likelihood(counts, method=method, trajectories=1)
        assert np.isnan(result.stderr).all()
        assert np.isfinite(result.lower).all()

    def test_one_row_has_no_error_of_the_mean(self, count_model, counts):
        assert np.isnan(count_model.log_likelihood(counts[:1]).mean_stderr)

    def test_equal_rows_share_their_noise(self, count_model):
        """The mean of 400 copies of a row is as wrong as the row: its error bar is that of the row
        (chi-square, rate < 1e-6)."""
        rows = np.full((400, 1), 4)
        found = [
            count_model.log_likelihood(rows, trajectories=16, random_state=seed)
            for seed in range(40)
        ]
        assert {len(np.unique(r.lower)) for r in found} == {1}
        means = np.array([r.mean for r in found])
        ratio = means.std(ddof=1) / np.sqrt(np.mean([r.mean_stderr**2 for r in found]))
        assert 0.5 < ratio < 1.7

    def test_defaults(self, count_model, counts):
        assert count_model.log_likelihood(counts).trajectories == 2
        assert count_model.log_likelihood(counts).method == "bound"
        assert count_model.log_likelihood(counts, method="ais").trajectories == 16


def test_ais_lies_above_the_bound_on_average(count_model, discrete_model, counts):
    for model, rows in ((count_model, counts), (discrete_model, STATES)):
        bound = model.log_likelihood(rows, trajectories=64)
        tight = model.log_likelihood(rows, method="ais", trajectories=64)
        assert tight.mean >= bound.mean - 4 * np.mean(bound.stderr) / np.sqrt(len(rows)) - 1e-3


def test_point_masses(build_tiny):
    """Before training a model is that of independent columns: half of the mass lies on the atom."""
    x = np.random.default_rng(6).normal(10.0, 1.0, 120)
    x[:60] = 0.0
    frame = pd.DataFrame({"rain": x})
    model = build_tiny(frame, scale=0)
    assert model.schema_.column("rain").atoms == (0.0,)
    result = model.log_likelihood(pd.DataFrame({"rain": [0.0]}), method="ais", trajectories=256)
    assert "point masses at 0 of rain" in result.base_measure
    assert np.exp(result.lower[0]) == pytest.approx(0.5, abs=0.02)
    terms = model.log_likelihood(frame).terms
    assert (terms["filler"][:60] != 0).all()
    assert (terms["filler"][60:] == 0).all()
    assert (terms["log_volume"][:60] == 0).all()


def test_columns_that_are_left_out_do_not_count(build_tiny):
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"name": [f"person {i}" for i in range(48)], "age": rng.poisson(30, 48)})
    model = build_tiny(frame)
    assert isinstance(model.schema_, Schema)
    assert model.schema_.names == ("age",)
    assert list(model.sample(2)) == ["age"]
    assert "name" not in model.log_likelihood(frame).base_measure
    np.testing.assert_array_equal(model.score_samples(frame), model.score_samples(frame[["age"]]))


def test_trajectories_are_as_many_as_a_wanted_error_takes(count_model, counts):
    exact = {"random_state": 0, "method": "ais"}
    found = count_model.log_likelihood(counts, stderr=0.2, **exact)
    assert found.stderr.mean() <= 0.2
    assert found.trajectories & (found.trajectories - 1) == 0
    finer = count_model.log_likelihood(counts, stderr=0.05, **exact)
    assert finer.trajectories > found.trajectories
    given = count_model.log_likelihood(counts, trajectories=finer.trajectories, **exact)
    np.testing.assert_array_equal(given.lower, finer.lower)
    with pytest.raises(SettingError, match="stderr = 0 must be positive"):
        count_model.log_likelihood(counts, stderr=0)
    with pytest.raises(SettingError, match="the standard error of 4096 trajectories is"):
        count_model.log_likelihood(counts[:2], stderr=1e-9, **exact)

"""A mixture of products, fitted by expectation maximisation: it finds what is there, its size by
held-out rows, and as a model it has exact answers."""

import numpy as np
import polars as pl
import pytest

from quasistatic import DiffusionDensity, load
from quasistatic.data.cells import Cells
from quasistatic.errors import SettingError
from quasistatic.fitting._em import Cluster, Sample, fit_mixture, log_density

WEIGHTS = np.array([0.6, 0.4])
ONES = np.array([[0.9, 0.8, 0.1], [0.1, 0.3, 0.9]])
MEANS = np.array([-1.5, 1.0])


def rows_of(n: int, seed: int, missing: float = 0.0, width: float = 0.25):
    """A rounded number and three bits of two clusters, as blocks, and their clusters."""
    rng = np.random.default_rng(seed)
    k = rng.choice(2, n, p=WEIGHTS)
    z = np.round((MEANS[k] + 0.5 * rng.standard_normal(n)) / width)[:, None] * width
    bits = (rng.random((n, 3)) < ONES[k]).astype(np.int32)
    there = rng.random((n, 4)) >= missing
    value = np.where(there[:, :1], z, 0.0).astype(np.float32)
    numbers = Cells(value, there[:, :1], np.full((n, 1), width, np.float32))
    return (numbers, Cells(np.where(there[:, 1:], bits, 0), there[:, 1:])), k


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_it_finds_the_clusters(missing):
    """2,000 rows: standard errors of .01 to .03."""
    sample = Sample.of(rows_of(2000, 0, missing)[0], [2, 2, 2])
    found = fit_mixture(sample, 2, seed=0)
    order = np.argsort(found.mean[:, 0])
    np.testing.assert_allclose(np.exp(found.log_weights[order]), WEIGHTS, atol=0.06)
    np.testing.assert_allclose(found.mean[order, 0], MEANS, atol=0.15)
    np.testing.assert_allclose(np.exp(found.log_variance[order, 0]), 0.25, atol=0.08)
    np.testing.assert_allclose(np.exp(found.log_probs[order][:, 1::2]), ONES, atol=0.1)


def test_its_density_is_the_sum_over_all_cells():
    """Over the bits and the cells of the number it sums to 1."""
    sample = Sample.of(rows_of(300, 1)[0], [2, 2, 2])
    found = fit_mixture(sample, 3, seed=0)
    cells = np.arange(-40, 41) * 0.25
    bits = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)], np.int32)
    value = np.repeat(cells, 8)[:, None].astype(np.float32)
    n = len(value)
    every = (
        Cells(value, np.ones((n, 1), bool), np.full((n, 1), 0.25, np.float32)),
        Cells(np.tile(bits, (len(cells), 1)), np.ones((n, 3), bool)),
    )
    total = np.exp(log_density(Sample.of(every, [2, 2, 2]), found)).sum()
    assert abs(total - 1) < 1e-6


def test_a_component_of_one_row_does_not_collapse():
    sample = Sample.of(rows_of(12, 2)[0], [2, 2, 2])
    found = fit_mixture(sample, 12, seed=0)
    assert np.all(np.isfinite(log_density(sample, found)))
    assert np.exp(found.log_probs).min() > 0.01


def cut_rows(x: np.ndarray, filler: np.ndarray, low: float) -> Sample:
    """Numbers of one column with a lower limit; no discrete column."""
    there = np.ones_like(filler)
    cells = Cells(x.astype(np.float32), there, np.zeros(x.shape, np.float32), filler)
    return Sample.of((cells,), [], np.array([[low], [np.inf]]))


def of_moments(cluster: Cluster, rows: np.ndarray) -> Cluster:
    """With the mean and the variance of the rows as they are."""
    mean, variance = rows.mean(axis=0, keepdims=True), rows.var(axis=0, keepdims=True)
    return cluster._replace(mean=mean, log_variance=np.log(variance))


def test_the_normal_distribution_of_cut_rows_is_that_before_the_cut():
    """Of N(0, 1) half is left. The likelihood is flat there: as likely as the truth within a
    hundredth of a nat, where the moments of the rows lose more than .05."""
    drawn = np.abs(np.random.default_rng(4).standard_normal((20_000, 1)))
    sample = cut_rows(drawn, np.zeros(drawn.shape, bool), 0.0)
    found = fit_mixture(sample, 1, seed=0)
    truth = found._replace(mean=np.zeros((1, 1)), log_variance=np.zeros((1, 1)))
    best = log_density(sample, truth).mean()
    assert best - log_density(sample, found).mean() < 0.01
    assert best - log_density(sample, of_moments(found, drawn)).mean() > 0.05
    np.testing.assert_allclose(found.log_variance, 0.0, atol=0.4)


def test_estimates_of_cut_rows_are_likelier_than_their_moments():
    """Which count their limit twice."""
    drawn = np.random.default_rng(5).exponential(0.7, (500, 1))
    sample = cut_rows(drawn, np.zeros(drawn.shape, bool), 0.0)
    found = fit_mixture(sample, 1, seed=0)
    gain = log_density(sample, found) - log_density(sample, of_moments(found, drawn))
    assert gain.mean() > 0.05


@pytest.mark.parametrize("low", [-np.inf, -1.2, 0.3])
def test_a_number_that_is_a_state_throughout_costs_nothing(low):
    """All rows lie on point masses; what stands in for their numbers has the density of a
    filler."""
    sample = cut_rows(np.zeros((50, 1)), np.ones((50, 1), bool), low)
    for n in 1, 3:
        found = fit_mixture(sample, n, seed=0)
        np.testing.assert_allclose(log_density(sample, found), 0.0, atol=0.01)


def table(n: int, seed: int) -> pl.DataFrame:
    (numbers, states), _ = rows_of(n, seed)
    columns = {f"b{i}": pl.Series(states.value[:, i] == 1) for i in range(3)}
    return pl.DataFrame({"z": np.round(numbers.value[:, 0].astype(float), 2)} | columns)


@pytest.fixture(scope="module")
def density():
    return DiffusionDensity(model="mixture", random_state=0).fit(table(400, 3))


def test_its_likelihood_has_no_monte_carlo_error(density):
    found = density.log_likelihood(table(20, 4), trajectories=3)
    assert found.stderr.max() < 2e-3
    other = density.log_likelihood(table(20, 4), method="ais", trajectories=2, random_state=5)
    np.testing.assert_allclose(found.lower, other.lower, atol=5e-3)


def test_the_bound_that_is_reported_is_that_of_held_out_rows(density):
    """New rows of the same kind have it, to 4 standard errors of their mean."""
    found = density.log_likelihood(table(2000, 5))
    reported = density.manifest_["validation_bound_nats"]
    assert abs(found.mean - reported) < 4 * found.lower.std() * (1 / 400 + 1 / 2000) ** 0.5
    assert density.manifest_["data"]["held_out"] == "4-fold cross-validation"


def test_its_conditions_are_those_of_bayes(density):
    """b0 given b1 and b2: frequencies of draws against the ratio of two likelihoods."""
    given = density.condition({"b1": True, "b2": False})
    share = given.sample(2000, random_state=1)["b0"].mean()
    start = density.model_.start
    p = np.exp(np.asarray(start.components.parts[1].log_probs, np.float64))
    joint = np.exp(np.asarray(start.log_weights)) * p[:, 1, 1] * p[:, 2, 0]
    exact = (joint * p[:, 0, 1]).sum() / joint.sum()
    assert abs(share - exact) < 5 * (exact * (1 - exact) / 2000) ** 0.5


def test_it_is_saved_and_loaded(density, tmp_path):
    density.save(tmp_path / "model")
    again = load(tmp_path / "model")
    rows = table(10, 6)
    np.testing.assert_array_equal(
        again.log_likelihood(rows).lower, density.log_likelihood(rows).lower
    )


def test_held_out_rows_choose_between_it_and_a_diffusion():
    """A network that is hardly trained is behind; it is kept where it is asked for."""
    rows = table(200, 7)
    settings = {"max_steps": 2, "width": 8, "depth": 1, "members": 1, "trajectory_length": 3}
    settings |= {"max_minutes": 1, "random_state": 0, "components": 1}
    assert DiffusionDensity(**settings).fit(rows).model_.start is not None
    assert DiffusionDensity(model="diffusion", **settings).fit(rows).model_.start is None


def test_a_table_with_numbers_has_mixtures_in_its_reverse_steps():
    settings = {"model": "diffusion", "max_steps": 1, "width": 4, "depth": 1, "members": 1}
    model = DiffusionDensity(**settings, max_minutes=1).fit(table(60, 8)).model_
    assert (model.trajectory_length, model.n_components) == (8, 16)


def test_images_have_no_mixture():
    stack = np.zeros((8, 4, 4), np.uint8)
    stack[:, 0] = 255
    with pytest.raises(SettingError, match="no meaning for images"):
        DiffusionDensity(model="mixture").fit(stack)


@pytest.mark.parametrize(
    "setting", [{"width": 8}, {"trajectory_length": 4}, {"max_steps": 9}, {"components": 1}]
)
def test_what_it_would_ignore_is_refused(setting):
    (name,) = setting
    with pytest.raises(SettingError, match=f"{name} = .*(no meaning|no mixture)"):
        DiffusionDensity(model="mixture", **setting).fit(table(40, 8))


def test_a_table_of_categories_alone_sums_to_one():
    rows = table(300, 9).drop("z")
    every = pl.DataFrame({f"b{i}": [bool(j >> i & 1) for j in range(8)] for i in range(3)})
    found = DiffusionDensity(model="mixture", random_state=0).fit(rows).log_likelihood(every)
    assert abs(np.exp(found.lower).sum() - 1) < 1e-4


def test_networks_that_rule_out_held_out_rows_are_told_of(monkeypatch):
    """With no mixture to keep instead, and no word of images."""
    monkeypatch.setattr("quasistatic.fitting.selection.best_trial", lambda *_, **__: None)
    with pytest.raises(SettingError, match="finds a held-out row impossible"):
        DiffusionDensity(model="diffusion").fit(table(60, 9))

"""Monte Carlo, annealing and work against the exact normaliser."""

import jax
import numpy as np
import pytest

from cases import ENERGIES
from quasistatic.errors import SettingError
from quasistatic.rivals import annealing, exact, jarzynski, monte_carlo
from quasistatic.rivals.boltzmann import BoltzmannMachine
from quasistatic.rivals.graph import complete
from rivals_oracles import counts_fit, enumerated

BOTH = pytest.mark.parametrize("name", ["lattice", "restricted"])


@BOTH
def test_importance_sampling(name):
    """Within six standard errors; its effective sample size is that of the weights."""
    energy = ENERGIES[name]
    found = monte_carlo.log_partition(energy, np.zeros(energy.sites), 4000, seed=3)
    assert abs(found.log_z - exact.log_partition(energy)) < 6 * found.stderr
    assert 100 < found.ess < 4000
    matched = monte_carlo.log_partition(
        energy.independent(energy.bias), np.asarray(energy.bias), 10, seed=3
    )
    assert matched.stderr < 1e-6
    assert abs(matched.ess - 10) < 1e-6


def test_gibbs_chains_find_the_distribution():
    energy = ENERGIES["complete"]
    rows, p, _ = enumerated(energy)
    start = exact.sample(energy.independent(energy.bias), 20, key=jax.random.key(15))
    found = monte_carlo.gibbs(energy, start, kept=100, apart=8, burn_in=50)
    assert found.rows.shape == (20, 100, 5)
    assert found.r_hat < 1.05
    assert 1000 < found.ess < 4000
    assert counts_fit(found.rows.reshape(-1, 5), rows, p) < 12


def test_chains_that_do_not_mix_are_told():
    """Two modes, all 0 and all 1, with a wall between them."""
    energy = BoltzmannMachine(
        np.full(6, -10.0, np.float32), np.full(15, 4.0, np.float32), complete(6)
    )
    start = np.repeat([[0.0], [1.0]], 4, axis=0) * np.ones((1, 6))
    tilted = BoltzmannMachine(energy.bias + 0.2, energy.coupling, energy.graph)
    with pytest.warns(UserWarning, match="do not mix"):
        monte_carlo.gibbs(tilted, start, kept=20, apart=1, burn_in=5)


def test_effective_sample_size_of_an_autoregression(rng):
    """(1 - a) / (1 + a) of the rows count, and independent rows all."""
    for a in (0.0, 0.8):
        x = np.zeros((8, 4000))
        noise = rng.normal(size=x.shape)
        for t in range(1, 4000):
            x[:, t] = a * x[:, t - 1] + noise[:, t]
        share = monte_carlo.autocorrelation_ess(x) / x.size
        assert abs(share / ((1 - a) / (1 + a)) - 1) < 0.15
    shifted = x + 3 * np.arange(8)[:, None]
    assert monte_carlo.r_hat(shifted) > 2
    assert monte_carlo.r_hat(x) < 1.02


@BOTH
@pytest.mark.parametrize("kind", ["linear", "sigmoid"])
def test_annealing_from_both_directions(name, kind):
    """Weights average to Z and 1/Z within six standard errors, on a path too short to be exact."""
    energy = ENERGIES[name]
    samples = exact.sample(energy, 1000, key=jax.random.key(16))
    found = annealing.sandwich(energy, np.zeros(energy.sites), samples, steps=6, kind=kind)
    log_z = exact.log_partition(energy)
    for side in found:
        assert 0 < side.stderr < 0.2
        assert abs(side.log_z - log_z) < 6 * side.stderr
    low, high = found.interval
    assert low < log_z < high


def test_the_exact_mean_of_the_weights():
    """One step from independent bits is importance sampling; the weights are those of the start."""
    energy = ENERGIES["tree"]
    bias = np.asarray(energy.bias, np.float64)
    found = annealing.log_weights(energy, bias, np.array([0.0, 1.0]), n=3000)
    plain = monte_carlo.log_partition(energy, bias, 3000)
    one = monte_carlo.estimate(found)
    assert abs(one.log_z - plain.log_z) < 6 * np.hypot(one.stderr, plain.stderr)


def test_schedules():
    for kind in ("linear", "sigmoid"):
        shares = annealing.schedule(7, kind)
        assert shares[0] == 0
        assert shares[-1] == 1
        assert (np.diff(shares) > 0).all()
    with pytest.raises(SettingError, match="at least 1"):
        annealing.schedule(0)


@BOTH
def test_work_obeys_the_laws_of_thermodynamics(name):
    energy = ENERGIES[name]
    log_z = exact.log_partition(energy)
    samples = exact.sample(energy, 1500, key=jax.random.key(17))
    fast, slow = (
        jarzynski.protocol(energy, np.zeros(energy.sites), samples, steps=steps)
        for steps in (3, 40)
    )
    for found in (fast, slow):
        below, above = found.second_law
        assert below < log_z < above
        assert abs(found.jarzynski.log_z - log_z) < 6 * found.jarzynski.stderr
        value, stderr = found.bennett
        assert abs(value - log_z) < 6 * stderr
        assert abs(found.slope.z) < 6
        assert abs(jarzynski.crossing(found) - log_z) < 0.3
    assert sum(slow.dissipation) < 0.3 * sum(fast.dissipation)
    assert fast.bennett[1] < fast.jarzynski.stderr


@BOTH
def test_work_as_pymbar_reads_it(name):
    """Free energy and error from the same work values, of both directions and of one. Only its
    closed estimators are asked, which leave JAX as it is; its reverse work has the other sign.
    """
    pymbar = pytest.importorskip("pymbar")
    energy = ENERGIES[name]
    samples = exact.sample(energy, 1500, key=jax.random.key(17))
    whole = jarzynski.protocol(energy, np.zeros(energy.sites), samples, steps=3)
    for reverse in (whole.reverse, whole.reverse[:100]):
        value, stderr = whole._replace(reverse=reverse).bennett
        theirs = pymbar.bar(
            whole.forward, -reverse, relative_tolerance=1e-13, uncertainty_method="MBAR"
        )
        assert abs(value + theirs["Delta_f"]) < 1e-9
        assert abs(stderr - theirs["dDelta_f"]) < 1e-8
    one, theirs = whole.jarzynski, pymbar.exp(whole.forward)
    assert abs(one.log_z + theirs["Delta_f"]) < 1e-10
    assert abs(one.stderr / theirs["dDelta_f"] - 1) < 1 / 1000  # n - 1 in place of n
    assert not jax.config.jax_enable_x64


def test_crooks_on_work_that_pymbar_draws():
    """Normal work of both directions with dF = 1.3: slope 1, and the histograms cross at dF."""
    systems = pytest.importorskip("pymbar.testsystems")
    forward, reverse = systems.gaussian_work_example(
        N_F=3000, N_R=2000, mu_F=2.5, sigma_F=np.sqrt(2.4), seed=7
    )
    found = jarzynski.WorkValues(forward, -reverse)
    assert abs(found.slope.z) < 6
    assert found.slope.stderr < 0.1
    assert abs(jarzynski.crossing(found) + 1.3) < 0.2
    assert abs(found.bennett[0] + 1.3) < 6 * found.bennett[1]


def test_the_crossing_of_two_normal_distributions(rng):
    work = jarzynski.WorkValues(rng.normal(3, 2, 20_000), rng.normal(-1, 2, 20_000))
    assert abs(jarzynski.crossing(work) + 1) < 0.1  # they cross at W = 1, log Z = -1
    uneven = jarzynski.WorkValues(rng.normal(3, 1, 20_000), rng.normal(-1, 2, 20_000))
    middle = -jarzynski.crossing(uneven)
    assert abs((middle - 3) ** 2 - (middle + 1) ** 2 / 4 - 2 * np.log(2)) < 0.2

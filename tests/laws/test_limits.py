"""Limits of numbers: the reverse kernel's last step is cut to them, so that probabilities sum to 1
within them."""

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy import stats

from quasistatic import DiffusionDensity
from quasistatic.belief import believe
from quasistatic.distribution import Normal
from unit.conftest import TINY, no_training

EDGE = np.inf
SHAPES = [
    (0.0, 0.0, -1.0, 1.0),
    (3.0, -2.0, -1.0, 1.0),
    (-4.0, -3.0, 0.0, EDGE),
    (0.2, -8.0, 0.0, EDGE),
    (5.0, -1.0, -EDGE, 1.0),
    (-20.0, 0.0, 0.0, EDGE),
]
"""Mean, log-variance, limits: within, far outside, on one side."""


def truncated(shapes=SHAPES):
    """The columns, and SciPy's distributions of the same."""
    mean, log_variance, low, high = np.array(shapes).T
    scale = np.exp(0.5 * log_variance)
    with np.errstate(invalid="ignore"):
        theirs = stats.truncnorm((low - mean) / scale, (high - mean) / scale, mean, scale)
    ours = Normal(*(jnp.asarray(x, jnp.float32) for x in (mean, log_variance, low, high)))
    return ours, theirs


def test_the_density_within_limits_is_scipys_and_0_beyond():
    ours, theirs = truncated()
    x = theirs.rvs((7, len(SHAPES)), random_state=1)
    log_p = jax.vmap(ours.log_prob)(jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(log_p, theirs.logpdf(x), atol=1e-3)
    beyond = jnp.where(jnp.isfinite(ours.low), ours.low - 0.1, ours.high + 0.1)
    assert (ours.log_prob(beyond) < -1e8).all()


def test_a_density_whose_limit_is_very_far_out_is_not_overstated():
    """Float32 has digits for 1,000 standard deviations; farther out the density is too small."""
    mean = -np.array([0.9, 0.9999, 1.0, 1.0001, 2.0])
    ours, theirs = truncated([(m, 2 * np.log(1e-3), 0.0, high) for m in mean for high in (EDGE, 1)])
    x = jnp.full(2 * len(mean), 1e-6)
    assert (ours.log_prob(x) <= theirs.logpdf(1e-6) + 0.2).all()


def test_draws_within_limits():
    """A false alarm in one test of a million at a level of 1e-7 for each of six columns."""
    ours, theirs = truncated()
    drawn = jax.vmap(lambda k: ours.sample(key=k))(jax.random.split(jax.random.key(0), 4000))
    drawn = np.asarray(drawn, np.float64)
    assert (drawn >= np.asarray(ours.low)).all()
    assert (drawn <= np.asarray(ours.high)).all()
    for j in range(len(SHAPES)):
        one = stats.truncnorm(*(np.asarray(a)[j] for a in theirs.args))
        assert stats.kstest(drawn[:, j], one.cdf).pvalue > 1e-7


def test_cells_between_limits_have_all_the_mass_and_exact_gradients():
    mean, log_variance = jnp.asarray([-3.0, 0.4, 9.0]), jnp.asarray([0.5, -3.0, 1.0])
    low, high = jnp.full(3, -0.4), jnp.full(3, 0.8)
    x, width = jnp.linspace(-0.35, 0.75, 12), 0.1

    def total(mean, log_variance):
        p = Normal(mean, log_variance, low, high)
        cells = jax.vmap(lambda v: p.log_cell(jnp.full(3, v), jnp.full(3, width)))(x)
        return jax.nn.logsumexp(cells, axis=0), cells

    np.testing.assert_allclose(total(mean, log_variance)[0], 0.0, atol=3e-5)
    # The sum is 1 whatever the parameters are: its gradient is 0, while those of its terms are not.
    for which in (0, 1):
        by = jax.jacfwd(total, argnums=which)(mean, log_variance)
        slope, of_cells = (np.abs(np.asarray(g)) for g in by)
        assert slope.max() < 1e-3
        assert of_cells.max() > 0.1


def test_the_entropy_is_that_of_the_density():
    ours, _ = truncated([(0.0, 0.0, -1.0, 1.0), (-4.0, -3.0, 0.0, EDGE)])
    x = np.linspace(-1.0, 1.0, 200_001)[:, None] * np.ones(2)
    log_p = np.asarray(jax.vmap(ours.log_prob)(jnp.asarray(x, jnp.float32)), np.float64)
    terms = -np.exp(log_p) * log_p
    np.testing.assert_allclose(
        ours.entropy(), np.trapezoid(np.where(log_p < -1e8, 0, terms), x, axis=0), atol=1e-2
    )


def fitted(**settings):
    """A table of counts that never exceed 3 (with a point mass at 0) and a flag; and a model."""
    rng = np.random.default_rng(3)
    count = np.where(rng.random(400) < 0.5, 0, np.minimum(rng.poisson(2, 400), 3))
    frame = pl.DataFrame({"count": count, "flag": rng.random(400) < 0.2 + 0.2 * count})
    schema = {"columns": {"count": {"lower": 0, "upper": 3, "atoms": [0], "kind": "integer"}}}
    model = DiffusionDensity(random_state=0, **settings).fit(frame, schema=schema)
    rows = [{"count": c, "flag": f} for c in range(4) for f in (False, True)]
    return model, pl.DataFrame(rows, schema=frame.schema)


@pytest.fixture(scope="module", params=["mixture", "diffusion"])
def limited(request):
    """A mixture, and an untrained diffusion of three steps with random weights."""
    if request.param == "mixture":
        return fitted(model="mixture", components=3)
    with no_training(0.1):
        return fitted(**{k: v for k, v in TINY.items() if k != "random_state"})


def total(log_p, stderr):
    """The sum of some probabilities and its standard error."""
    p = np.exp(log_p)
    return p.sum(), np.sqrt(np.sum(np.square(stderr * p)))


def test_the_probabilities_of_all_rows_sum_to_1(limited):
    """Six standard errors: a false alarm in a million. Without limits 2 % are missing."""
    model, rows = limited
    found = model.log_likelihood(rows, method="ais", trajectories=10_000)
    found, error = total(found.lower, found.stderr)
    assert error < 3e-3
    assert found == pytest.approx(1.0, abs=6 * error)


def test_beyond_a_limit_nothing_is_drawn_and_nothing_possible(limited):
    model, rows = limited
    assert model.sample(300, random_state=1)["count"].is_between(0, 3).all()
    beyond = rows.with_columns(count=pl.lit(4, pl.Int64))
    with pytest.warns(UserWarning, match="have a value beyond a limit that the model holds"):
        assert np.isneginf(model.log_likelihood(beyond).lower).all()


def test_a_belief_of_a_limited_column_is_conditioned_within_its_limits():
    """The cells between the limits have all the mass, and so have the two sides of any value."""
    ours, _ = truncated([(0.3, 0.5, -0.4, 0.8), (-3.0, 0.0, -0.4, 0.8)])
    belief = believe(ours)
    everywhere, width = jnp.ones(2, bool), jnp.full(2, 0.1)
    cells = jax.vmap(lambda x: belief.pin(everywhere, jnp.full(2, x), width)[1])(
        jnp.linspace(-0.35, 0.75, 12)
    )
    np.testing.assert_allclose(jnp.exp(cells).sum(axis=0), 1.0, atol=3e-5)
    edge, x = jnp.full(2, EDGE), jnp.full(2, 0.1)
    sides = jnp.stack([belief.cut(-edge, x)[1], belief.cut(x, edge)[1]])
    np.testing.assert_allclose(jnp.exp(sides).sum(axis=0), 1.0, atol=1e-5)
    drawn = jax.vmap(lambda k: belief.cut(x, edge)[0].sample(key=k))(
        jax.random.split(jax.random.key(1), 200)
    )
    assert ((drawn >= 0.1) & (drawn <= 0.8)).all()

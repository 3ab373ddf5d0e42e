"""The way back to the table's units in JAX is that of the codec; and a narrow r of a bent column is
found."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from scipy import stats

from cases import EVIDENCE
from laws.models import Constant
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.table import Table
from quasistatic.forward import GaussianDiffusion, linear_schedule
from quasistatic.model import DiffusionModel
from quasistatic.posterior import TwistedWalk
from quasistatic.posterior.decode import DecodedRow, Units


def table() -> Table:
    rng = np.random.default_rng(0)
    bimodal = np.concatenate([rng.normal(-3, 0.5, 300), rng.normal(4, 1.0, 300)])
    income = np.where(rng.random(600) < 0.4, 0.0, rng.lognormal(3, 1, 600))
    return Table(
        pl.DataFrame(
            {
                "bimodal": bimodal,
                "age": rng.integers(18, 90, 600),
                "sex": rng.choice(["f", "m"], 600).tolist(),
                "income": income,
            }
        )
    )


def test_values_are_those_that_the_codec_decodes():
    """An integer within half a step; a float to float32."""
    t = table()
    codec = fit_codec(t, infer_schema(t))
    assert codec.with_atoms
    rng = np.random.default_rng(1)
    z = (2.5 * rng.standard_normal((200, len(codec.continuous)))).astype(np.float32)
    codes = np.stack([rng.integers(0, k, 200) for k in codec.n_states], axis=1).astype(np.int32)
    decoded = codec.decode((z, codes))
    row = DecodedRow(Units.of(codec), codec)
    found = jax.jit(jax.vmap(row))((jnp.asarray(z), jnp.asarray(codes)))
    assert set(found) == {"bimodal", "age", "sex", "income"}
    np.testing.assert_allclose(found["bimodal"], decoded["bimodal"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["income"], decoded["income"], rtol=1e-4, atol=1e-3)
    assert np.max(np.abs(np.asarray(found["age"]) - decoded["age"].to_numpy())) <= 0.501
    assert np.array_equal(np.asarray(found["sex"]) == 1, decoded["sex"].to_numpy() == "m")


def test_newtons_method_does_not_overshoot_a_bent_column():
    """x_0 ~ N(0, 1) exactly, 400 particles: log Z within 0.15 of quadrature in each of 32 runs, and
    most particles effective."""
    forward = GaussianDiffusion(linear_schedule(20), 1)
    model = DiffusionModel(forward, Constant(jnp.zeros(2), 2))
    walk = TwistedWalk(400, 1)
    grid = np.linspace(-8, 8, 20001)
    for name in ("function-of-a-curve", "measured"):
        evidence = EVIDENCE[name][1]()
        r = np.exp(
            np.asarray(
                jax.vmap(evidence.log_prob)((jnp.asarray(grid[:, None], jnp.float32),)), np.float64
            )
        )
        exact = np.log(np.sum(r * stats.norm.pdf(grid)) * (grid[1] - grid[0]))
        run = eqx.filter_jit(lambda m, e, ks: jax.vmap(lambda k: walk(m, e, key=k))(ks))
        found = run(model, evidence, jax.random.split(jax.random.key(0), 32))
        assert np.max(np.abs(np.asarray(found.log_evidence) - exact)) < 0.15
        assert np.mean(found.ess) > 200

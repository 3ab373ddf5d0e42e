"""The probability flow of a normal distribution, whose network is known: its density, up to the
steps."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from cases import KERNELS
from laws.models import cells_of, model_of, random_state
from quasistatic.data.cells import Cells
from quasistatic.errors import SettingError
from quasistatic.forward import GaussianDiffusion, TableSchedule
from quasistatic.model import DiffusionModel
from quasistatic.network.base import AbstractNetwork
from quasistatic.thermodynamics.ode import flow_log_density

COVARIANCE = np.array([[1.0, 0.6, 0.0], [0.6, 0.8, 0.1], [0.0, 0.1, 0.5]])
X = np.random.default_rng(0).multivariate_normal(np.zeros(3), COVARIANCE, 12).astype(np.float32)


class NormalData(AbstractNetwork):
    """v of data N(0, C): `x_0^ = a C (a^2 C + b^2 I)^-1 x`."""

    covariance: jax.Array
    log_snr: tuple[float, ...] = eqx.field(static=True)
    n_features: int = eqx.field(static=True, default=6)
    n_outputs: int = eqx.field(static=True, default=6)

    def __call__(self, features, time, *, key=None):
        log_snr = jnp.asarray(self.log_snr)[
            jnp.round(time * len(self.log_snr)).astype(jnp.int32) - 1
        ]
        a, b = jnp.sqrt(jax.nn.sigmoid(log_snr)), jnp.sqrt(jax.nn.sigmoid(-log_snr))
        x = features[:3]
        guess = (
            a * self.covariance @ jnp.linalg.solve(a**2 * self.covariance + b**2 * jnp.eye(3), x)
        )
        return jnp.concatenate([(a * x - guess) / b, jnp.zeros(3)])


def normal_model(T: int) -> DiffusionModel:
    table = np.linspace(9.0, -11.0, T).tolist()
    return DiffusionModel(
        GaussianDiffusion(TableSchedule(table), 3),
        NormalData(jnp.asarray(COVARIANCE, jnp.float32), tuple(table)),
    )


@pytest.fixture(scope="module")
def model():
    return normal_model(100)


@pytest.fixture
def rows():
    return (Cells(X, np.ones(X.shape, bool)),)


def test_the_density_of_a_normal_distribution(model, rows):
    found = flow_log_density(model, rows, key=jax.random.key(0))
    assert found.exact
    expected = stats.multivariate_normal(np.zeros(3), COVARIANCE).logpdf(X)
    np.testing.assert_allclose(found.log_density, expected, atol=0.02)
    coarse = flow_log_density(normal_model(25), rows, key=jax.random.key(0)).log_density
    assert np.abs(found.log_density - expected).max() < 0.5 * np.abs(coarse - expected).max()


def test_hutchinson_agrees_within_its_error(model, rows):
    exact = flow_log_density(model, rows, key=jax.random.key(0)).log_density
    found = flow_log_density(model, rows, key=jax.random.key(1), probes=32, exact=False)
    assert not found.exact
    assert np.all(found.stderr > 0)
    assert np.all(np.abs(found.log_density - exact) < 6 * found.stderr + 1e-3)


def test_a_cell_has_its_width_and_a_hole_nothing(model, rows):
    plain = flow_log_density(model, rows, key=jax.random.key(0)).log_density
    wide = flow_log_density(
        model,
        (rows[0]._replace(width=np.full(X.shape, 0.1, np.float32)),),
        key=jax.random.key(0),
    )
    np.testing.assert_allclose(wide.log_density, plain + 3 * np.log(0.1), atol=1e-4)
    observed = np.broadcast_to(np.array([True, False, True]), X.shape)
    changed = np.where(observed, X, 7.0).astype(np.float32)
    holes = [
        flow_log_density(model, (Cells(x, observed),), key=jax.random.key(0)).log_density
        for x in (X, changed)
    ]
    np.testing.assert_array_equal(*holes)


def test_discrete_columns_have_no_flow():
    forward = KERNELS["gaussian-x-absorbing"]()
    with pytest.raises(SettingError, match="continuous columns alone"):
        flow_log_density(
            model_of(forward), cells_of(forward, random_state(forward, 2)), key=jax.random.key(0)
        )

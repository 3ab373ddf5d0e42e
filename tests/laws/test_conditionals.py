"""log p(x_j | the others) against enumeration and quadrature.

Both evidences are unbiased, so the logarithm of their means over independent populations, less one
another, is the conditional up to the error of the means: t-tests by the delta method, false-alarm
rate 1e-6 a kernel, and 0.005 nats for the quadrature."""

import jax
import numpy as np
import pytest
from scipy import stats

from cases import KERNELS
from laws.enumeration import Chain, discrete_states
from laws.models import cells_of, is_gaussian, model_of, random_state
from laws.statistics import FALSE_ALARM
from quasistatic.posterior.query import evidence_of_rows
from quasistatic.rows import row_checksums

PARTICLES, ROWS, RUNS = 64, 3, 64
FINE = np.linspace(-7, 7, 701)


def column_states(forward, states, j):
    """The rows with column j in each of its states `[S * K]`, what each is worth (dx), and how
    many."""
    parts = [np.asarray(p) for p in states]
    sizes = np.cumsum([0, *(block.n_columns for block in forward.blocks)])
    b = int(np.searchsorted(sizes, j, side="right")) - 1
    block, begin = forward.blocks[b], sizes[b]
    values = (
        FINE
        if is_gaussian(block)
        else np.unique(discrete_states(block, masked=False)[:, j - begin])
    )
    repeated = [np.repeat(p, len(values), axis=0) for p in parts]
    repeated[b][:, j - begin] = np.tile(values, len(parts[0]))
    worth = FINE[1] - FINE[0] if is_gaussian(block) else 1.0
    return tuple(jax.numpy.asarray(p) for p in repeated), worth, len(values)


@pytest.mark.parametrize(
    "name", ["absorbing", "heat-bath-marginal", "gaussian-erasure", "gaussian-x-absorbing"]
)
def test_the_conditional_of_a_column_is_that_of_the_enumeration(name):
    model = model_of(KERNELS[name](), scale=0.2 if name.startswith("gaussian") else 0.4)
    forward = model.forward
    chain, states = Chain(model), random_state(forward, ROWS, seed=3)
    whole = cells_of(forward, states)
    identity = np.repeat(row_checksums(whole), RUNS) + np.tile(
        np.arange(RUNS, dtype=np.uint32), ROWS
    )

    def log_evidences(rows):
        """log Z `[ROWS, RUNS]` of independent populations."""
        many = jax.tree.map(lambda x: np.repeat(np.asarray(x), RUNS, axis=0), rows)
        key = jax.random.key(5)
        found = evidence_of_rows(model, many, particles=PARTICLES, key=key, identity=identity)
        return found.lower.reshape(ROWS, RUNS)

    log_p = chain.log_prob(states)
    together = log_evidences(whole)
    for j in range(forward.n_columns):
        hidden = cells_of(forward, states, observed=np.arange(forward.n_columns) != j)
        others = log_evidences(hidden) if forward.n_columns > 1 else np.zeros((ROWS, RUNS))
        rows, worth, n = column_states(forward, states, j)
        exact = log_p - np.log(np.exp(chain.log_prob(rows)).reshape(ROWS, n).sum(1) * worth)
        # log of the means over the runs: unbiased Z, by the delta method
        z, y = (np.exp(x - x.mean(1, keepdims=True)) for x in (together, others))
        found = np.log(z.mean(1)) + together.mean(1) - np.log(y.mean(1)) - others.mean(1)
        terms = z / z.mean(1, keepdims=True) - y / y.mean(1, keepdims=True)
        stderr = terms.std(1, ddof=1) / np.sqrt(RUNS)
        threshold = stats.t.isf(FALSE_ALARM / 2 / (ROWS * forward.n_columns), RUNS - 1)
        np.testing.assert_array_less(np.abs(found - exact), threshold * stderr + 5e-3)
        if forward.n_columns > 1:
            apart = np.sqrt(z.var(1) + y.var(1)).mean()
            assert terms.std(1).mean() <= apart * 1.1  # common random numbers do no harm

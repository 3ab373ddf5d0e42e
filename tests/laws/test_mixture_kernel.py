"""Reverse kernels that are mixtures of products: the reversal of a mixture is exact for every
kernel, at every step and stride, and K is then log p whatever the number of steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cases import KERNELS, UNEVEN, process
from laws.models import as_product, random_mixture
from quasistatic.bound.terms import bound, prior_cost, step_cost
from quasistatic.data.cells import Cells
from quasistatic.distribution import Categorical, Normal, Product
from quasistatic.forward import (
    AbsorbingDiffusion,
    CategoricalDiffusion,
    ErasureSchedule,
    GaussianDiffusion,
    ProductDiffusion,
    TableSchedule,
    binomial_diffusion,
)
from quasistatic.forward.categorical import pad_log_probs
from quasistatic.model import DiffusionModel, n_outputs
from quasistatic.network import ZeroNetwork
from quasistatic.trajectory import start

COMPONENTS = 3
EVEN_PI = pad_log_probs([np.ones(len(p)) / len(p) for p in UNEVEN])


def exact_model(forward: ProductDiffusion, seed: int = 0) -> DiffusionModel:
    """The model whose reverse kernels are the reversal of a random mixture."""
    start = random_mixture(forward, COMPONENTS, seed)
    network = ZeroNetwork(forward.n_features, n_outputs(forward, COMPONENTS))
    return DiffusionModel(forward, network, start)


def flags(x):
    return tuple(jnp.ones(part.shape, bool) for part in x)


def log_q(model: DiffusionModel, x_0, x_t, t: int):
    """log of the mixture's marginal of x_t, nats; the part that all data share is that of a row
    that is certain."""
    forward, start = model.forward, model.start
    each = jax.vmap(lambda part: jnp.sum(forward.log_evidence(part, x_t, t)))(start.components)
    certain = Product(
        tuple(
            Normal(x, jnp.full(x.shape, -60.0))
            if isinstance(block, Normal)
            else Categorical(jnp.where(jax.nn.one_hot(x, block.log_probs.shape[-1]) > 0, 0.0, -1e9))
            for block, x in zip(forward.independent().parts, x_0, strict=True)
        )
    )
    shared = jnp.sum(forward.marginal(x_0, t).log_prob(x_t) - forward.log_evidence(certain, x_t, t))
    return jax.nn.logsumexp(start.log_weights + each) + shared


@pytest.mark.parametrize("name", KERNELS)
def test_the_reversal_of_a_mixture_obeys_bayes(name, key):
    """p(x_s|x_t) q(x_t) = q(x_t|x_s) q(x_s) for s = t - 1 and for longer strides, 1 <= s < t."""
    model = exact_model(process(name))
    forward, last = model.forward, model.trajectory_length

    @jax.jit
    def difference(key, s, t):
        keys = jax.random.split(key, 3)
        x_0 = model.start.sample(key=keys[0])
        x_s = forward.marginal(x_0, s).sample(key=keys[1])
        x_t = forward.kernel(x_s, t, s).sample(key=keys[2])
        reverse = model.reverse_kernel(x_t, flags(x_t), t, s)
        back = jnp.sum(reverse.log_prob(x_s)) + log_q(model, x_0, x_t, t)
        forth = jnp.sum(forward.kernel(x_s, t, s).log_prob(x_t)) + log_q(model, x_0, x_s, s)
        return back - forth

    pairs = [(s, t) for s, t in [(1, 2), (last - 1, last), (1, last)] if 1 <= s < t]
    for s, t in pairs:
        keys = jax.random.split(jax.random.fold_in(key, 100 * s + t), 32)
        found = jax.vmap(lambda k, s=s, t=t: difference(k, jnp.asarray(s), jnp.asarray(t)))(keys)
        np.testing.assert_allclose(found, 0.0, atol=2e-3)


def _gaussian(length: int) -> GaussianDiffusion:
    """Whose x_T has forgotten x_0."""
    return GaussianDiffusion(TableSchedule(np.linspace(2.0, -25.0, length + 1)[1:].tolist()), 2)


EXACT = {
    "gaussian": _gaussian,
    "binomial": lambda n: binomial_diffusion(ErasureSchedule(n), [0.5, 0.2, 0.7]),
    "categorical": lambda n: CategoricalDiffusion(
        ErasureSchedule(n), EVEN_PI, pad_log_probs(UNEVEN)
    ),
    "absorbing": lambda n: AbsorbingDiffusion(n, pad_log_probs(UNEVEN)),
    "gaussian-x-absorbing": lambda n: ProductDiffusion(
        (_gaussian(n), AbsorbingDiffusion(n, pad_log_probs(UNEVEN)))
    ),
}


def row_of(x_0, observed=None):
    """A row of densities and states."""
    seen = flags(x_0) if observed is None else observed
    return tuple(
        Cells(x, o, jnp.zeros(x.shape)) if x.dtype == jnp.float32 else Cells(x, o)
        for x, o in zip(x_0, seen, strict=True)
    )


@pytest.mark.parametrize("length", [1, 2, 8])
@pytest.mark.parametrize("name", EXACT)
def test_every_weight_is_the_likelihood_and_so_is_the_mean_of_the_bound(name, length, key):
    """All trajectories of a row have the weight log p, and so has every draw of K; a row with a
    missing cell has its marginal likelihood. Single terms of K are drawn: their sum over t has this
    mean, to 6 standard errors (2e-9)."""
    model = exact_model(as_product(EXACT[name](length)))

    @jax.jit
    def differences(x_0, keys):
        seen = tuple(o.at[0].set(False) for o in flags(x_0))
        found, steps = [], jnp.arange(1, model.trajectory_length + 1)
        for observed in (flags(x_0), seen):
            row = row_of(x_0, observed)
            exact = jnp.sum(model.start.log_prob(x_0, jnp.concatenate(observed)))

            def costs(k, row=row, steps=steps):
                begin = start(model.forward, row, key=k)
                each = jax.vmap(lambda t: step_cost(model, begin, t, key=jax.random.fold_in(k, t)))
                return jnp.sum(each(steps)) + jnp.sum(prior_cost(model, begin))

            k = -jax.vmap(costs)(keys)
            w = jax.vmap(lambda k, row=row: bound(model, row, key=k).terms.total)(keys)
            found.append(jnp.stack([k, w]) - exact)
        return jnp.stack(found)

    found = np.asarray(differences(model.start.sample(key=key), jax.random.split(key, 500)))
    np.testing.assert_allclose(found[:, 1], 0.0, atol=2e-3)
    bound_mean, stderr = found[:, 0].mean(axis=1), found[:, 0].std(axis=1) / np.sqrt(500)
    np.testing.assert_array_less(np.abs(bound_mean), 6 * stderr + 2e-3)

"""Does training on random masks improve imputation? Prints a Markdown table; the protocol is that
of `imputation.py`.

    QUASISTATIC_DATA=... python benchmarks/random_masks.py [NAMES] [--seeds 1]

`joint`: the package. One network of the joint density, conditioned by twisted sequential Monte
Carlo. `masks`: the same kernels, schedule, network and training, but in every row of a batch a
random share of the columns is given without noise (in `--joint` of the rows none is), with a flag;
the cost counts the other columns. Its reverse kernels are then conditioned on the observed cells
themselves, and draws need no weights. It stops by its own cost on a seventh of the rows.
"""

import argparse
import os
from functools import partial
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import polars as pl
from density import load_mixed
from filling_figures import figures
from holes import with_holes
from imputation import IMPUTATIONS
from machine import describe

from quasistatic import DiffusionDensity
from quasistatic.assemble import assemble
from quasistatic.config import ModelConfig
from quasistatic.data.codec import Codec
from quasistatic.data.table import Table
from quasistatic.fitted.imputation import point_of
from quasistatic.forward import ProductDiffusion
from quasistatic.network import ResidualMLP
from quasistatic.train._step import draw_times
from quasistatic.train.state import time_probabilities
from quasistatic.trajectory import start

DRAWS = 64
STEPS, EVERY, PATIENCE = 3000, 100, 8


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", default=["iris", "blood_transfusion", "concrete_compression"]
    )
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument(
        "--joint", type=float, default=0.3, help="share of the rows without a given column"
    )
    arguments = parser.parse_args()
    print(f"Machine: {describe()}; {arguments.seeds} seed(s) from 0\n")
    print(
        "| table | seed | training | MinMAE | AvgMAE | MAE of the point |\n"
        "|---|---|---|---|---|---|",
        flush=True,
    )
    for name in arguments.names:
        for seed in range(arguments.seeds):
            path = Path(os.environ["QUASISTATIC_DATA"]) / "fd27" / f"{name}.npz"
            truth, missing, holed = with_holes(load_mixed(path), seed)
            model = DiffusionDensity(random_state=seed).fit(holed)
            for training, (draws, point) in {
                "joint": joint(model, holed),
                "masks": masks(model, holed, arguments.joint, seed),
            }.items():
                low, mean, _ = figures(truth, missing, draws)
                middle = figures(truth, missing, [point])[1]
                print(
                    f"| {name} | {seed} | {training} | {low:.4f} | {mean:.4f} | {middle:.4f} |",
                    flush=True,
                )


Fillings = tuple[list[pl.DataFrame], pl.DataFrame]


def joint(model: DiffusionDensity, holed: pl.DataFrame) -> Fillings:
    """As `impute` does it."""
    return model.impute(holed, n_imputations=IMPUTATIONS), model.impute(
        holed, n_imputations=1, point=True
    )


def masks(model: DiffusionDensity, holed: pl.DataFrame, share: float, seed: int) -> Fillings:
    """By a network of the same size that was trained on random masks."""
    codec, config = model.fitted_.codec, model.fitted_.model_config
    rows = jax.tree.map(jnp.asarray, codec.encode(Table(holed, "the table")).rows)
    trained = train(Masked(config, codec, share, key=jax.random.key(seed)), rows, seed)
    keys = jax.random.split(jax.random.key(seed + 1), DRAWS)
    draws = [
        kept(holed, codec.decode([np.asarray(x) for x in trained.fill(rows, key=key)]))
        for key in keys
    ]
    return draws[:IMPUTATIONS], kept(holed, point_of(draws, codec.schema))


def kept(holed: pl.DataFrame, drawn: pl.DataFrame) -> pl.DataFrame:
    """The cells that are there, and drawn ones."""
    return holed.with_columns(
        pl.col(c).fill_null(drawn[c].cast(holed[c].dtype)) for c in holed.columns
    )


class Masked(eqx.Module):
    """Kernels of a model, and a network with the flags of the given columns as inputs."""

    forward: ProductDiffusion
    network: ResidualMLP
    column: tuple[int, ...] = eqx.field(static=True)  # of every cell: an atom belongs to its column
    share: float = eqx.field(static=True)

    def __init__(self, config: ModelConfig, codec: Codec, share: float, *, key: jax.Array) -> None:
        self.forward = assemble(
            config, codec.typical_width, codec.marginals, limits=codec.limits, key=key
        ).forward
        names = [name.removesuffix(" = atom") for name in codec.block_names]
        self.column = tuple(names.index(name) for name in names)
        self.share = share
        self.network = ResidualMLP(
            self.forward.n_features + len(names),
            self.forward.n_outputs,
            width=config.width,
            depth=config.depth,
            dropout_rate=config.dropout,
            key=key,
        )

    def choose(self, flags, a, b):
        """Cells of a where the flags are set, else of b."""
        cuts = np.cumsum([block.n_columns for block in self.forward.blocks])[:-1]
        return jax.tree.map(jnp.where, tuple(jnp.split(flags, cuts)), a, b)

    def reverse(self, x_t, begin, observed, given, t, key=None):
        """p(x_{t-1} | x_t, what is given)."""
        features = self.forward.features(self.choose(given, begin.x_0, x_t), observed, t)
        time = jnp.asarray(t, jnp.float32) / self.forward.trajectory_length
        raw = self.network(jnp.concatenate([features, given.astype(jnp.float32)]), time, key=key)
        return self.forward.reverse_kernel(raw, x_t, t)

    def cost(self, row, t, probability, *, key, dropout):
        """An unbiased draw of -K of the columns that are not given, nats."""
        fill_key, state_key, mask_key, dropout_key = jax.random.split(key, 4)
        begin, forward = start(row, key=fill_key), self.forward
        none, rate, which = jax.random.split(mask_key, 3)
        rate = jnp.where(jax.random.uniform(none) < self.share, 0.0, jax.random.uniform(rate))
        given = (
            begin.columns
            & (jax.random.uniform(which, (len(self.column),)) < rate)[np.array(self.column)]
        )
        x_t = forward.marginal(begin.x_0, t).sample(key=state_key)
        reverse = self.reverse(
            x_t, begin, begin.observed, given, t, dropout_key if dropout else None
        )
        divergence = forward.bridge(x_t, begin.x_0, t).kl(reverse)
        cost = (
            jnp.where(t == 1, -reverse.log_cell(begin.x_0, begin.width), divergence) / probability
        )
        prior = forward.marginal(begin.x_0, forward.trajectory_length).kl(forward.prior())
        return jnp.sum(jnp.where(begin.columns & ~given, cost + prior, 0.0))

    @eqx.filter_jit
    def fill(self, rows, *, key):
        """One draw of every row given its cells that are there."""

        def one(row, key):
            fill_key, last_key, walk_key = jax.random.split(key, 3)
            begin = start(row, key=fill_key)
            whole = jax.tree.map(jnp.ones_like, begin.observed)

            def step(x_t, t):
                kernel = self.reverse(x_t, begin, whole, begin.columns, t)
                return kernel.sample(key=jax.random.fold_in(walk_key, t)), None

            steps = jnp.arange(self.forward.trajectory_length, 0, -1)
            x_0, _ = jax.lax.scan(step, self.forward.prior().sample(key=last_key), steps)
            return self.choose(begin.columns, begin.x_0, x_0)

        return jax.vmap(one)(rows, jax.random.split(key, len(jax.tree.leaves(rows)[0])))


def mean_cost(parameters, static, rows, key, dropout: bool):
    """-K of a batch, nats per cell."""
    model, n = eqx.combine(parameters, static), len(jax.tree.leaves(rows)[0])
    time_key, row_key = jax.random.split(key)
    draw = draw_times(time_probabilities(model.forward.trajectory_length, 0.1), n, key=time_key)
    costs = jax.vmap(lambda row, t, p, k: model.cost(row, t, p, key=k, dropout=dropout))(
        rows, draw.t, draw.probability, jax.random.split(row_key, n)
    )
    return jnp.mean(costs) / len(model.column)


def train(model: Masked, rows, seed: int) -> Masked:
    """AdamW with the package's settings for small tables; the average at the best evaluation."""
    parameters, static = eqx.partition(model, eqx.is_inexact_array)
    n = len(jax.tree.leaves(rows)[0])
    order = np.random.default_rng(seed).permutation(n)
    held_out, rest = order[: max(n // 7, 1)], order[max(n // 7, 1) :]
    batch = int(np.clip(2 ** round(np.log2(n / 4)), 32, 512))
    rate = optax.warmup_cosine_decay_schedule(0.0, 2e-3, EVERY, STEPS, 2e-5)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=1e-4))

    def step(carry, inputs):
        (parameters, average, state), (index, key) = carry, inputs
        taken = jax.tree.map(lambda x: x[index], rows)
        gradient = jax.grad(partial(mean_cost, dropout=True))(parameters, static, taken, key)
        with jax.numpy_dtype_promotion("standard"):
            updates, state = optimiser.update(gradient, state, parameters)
        parameters = optax.apply_updates(parameters, updates)
        return (
            parameters,
            jax.tree.map(lambda a, p: a + 0.005 * (p - a), average, parameters),
            state,
        ), None

    run = eqx.filter_jit(lambda carry, inputs: jax.lax.scan(step, carry, inputs)[0])
    judge = eqx.filter_jit(partial(mean_cost, dropout=False))
    judged = jax.tree.map(lambda x: x[np.tile(held_out, 16)], rows)
    carry, best, stale = (
        (parameters, parameters, optimiser.init(parameters)),
        (np.inf, parameters),
        0,
    )
    random = np.random.default_rng(seed + 1)
    for first in range(0, STEPS, EVERY):
        index = np.stack(
            [random.choice(rest, batch, replace=len(rest) < batch) for _ in range(EVERY)]
        )
        carry = run(carry, (jnp.asarray(index), jax.random.split(jax.random.key(first), EVERY)))
        found = float(judge(carry[1], static, judged, jax.random.key(seed)))
        best, stale = ((found, carry[1]), 0) if found < best[0] else (best, stale + 1)
        if stale == PATIENCE:
            break
    return eqx.combine(best[1], static)


if __name__ == "__main__":
    main()

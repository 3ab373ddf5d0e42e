r"""How a network answers for the components of a reverse step, and how many columns a step reveals:
K of held-out rows for what the package does and for what it could do instead. Prints a Markdown
table.

    QUASISTATIC_DATA=... python benchmarks/parametrisations.py fd27 yeast concrete_compression
    QUASISTATIC_DATA=... python benchmarks/parametrisations.py debd plants --steps 8 \
        [--only "shared, rank 32" "columns (t/T)^2"] [--max-steps 1000] [--seed 0]

The rows are those of `few_steps.py`, by which defaults may be chosen; one network of 16 components
each, without ensemble. The difference is that of the same rows to the first line, with its standard
error over the rows; the noise of another initialisation is in it and not in its error, so the first
variant is trained twice.

Variants, of C components with P parameters each and the network's last hidden layer h:

- `shared, rank R`: the package's, `V silu(B_k h) + W h` with B_k random and V, W shared; R = 32.
- `own`: `A_k h`, an own matrix of each component, which starts with a hundredth of the usual scale.
- `embeddings`: `V silu(B h + e_k) + W h`: one B, and a random code e_k of each component.
- `components dropped`: a fifth of the components have no weight in a training step.
- `columns (t/T)^p`: that share of the discrete columns is masked after step t, in place of t/T.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from few_steps import NETWORK, rows_of
from machine import describe

from quasistatic import DiffusionDensity, assemble
from quasistatic.forward import AbsorbingDiffusion
from quasistatic.network import AbstractNetwork, ResidualMLP, mlp
from quasistatic.network.components import ComponentReadout

RANK, DROPPED, COMPONENTS = 32, 0.2, 16


class Own(eqx.Module):
    """A matrix of its own for each component."""

    all_of_them: eqx.nn.Linear

    def __init__(self, width: int, n_outputs: int, components: int, rank: int, *, key: Any) -> None:
        layer = eqx.nn.Linear(width, n_outputs, key=key)
        self.all_of_them = jax.tree.map(lambda x: 0.01 * x, layer)

    def __call__(self, h: jax.Array) -> jax.Array:
        return self.all_of_them(h)


class Embeddings(eqx.Module):
    """One hidden layer for all components, which differ in a code that is added."""

    hidden: eqx.nn.Linear
    codes: jax.Array
    readout: ComponentReadout

    def __init__(self, width: int, n_outputs: int, components: int, rank: int, *, key: Any) -> None:
        layer_key, code_key = jax.random.split(key)
        self.hidden = eqx.nn.Linear(width, rank, key=layer_key)
        self.codes = jax.random.normal(code_key, (components, rank))
        # Of the package's readout its shared parts, which start at 0.
        self.readout = ComponentReadout(width, n_outputs, components, rank, key=key)

    def __call__(self, h: jax.Array) -> jax.Array:
        g = jax.nn.silu(self.hidden(h)[None, :] + self.codes)
        assert self.readout.each.bias is not None
        of_all = self.readout.each.bias + jnp.append(self.readout.shared(h), 0.0)
        return (g @ self.readout.each.weight.T + of_all[None, :]).reshape(-1)


class Dropped(AbstractNetwork):
    """A network whose components lose their weight now and then while it trains."""

    n_features: int = eqx.field(static=True)
    n_outputs: int = eqx.field(static=True)
    inner: ResidualMLP
    components: int = eqx.field(static=True)

    def __call__(self, features: Any, time: Any, *, key: Any = None) -> jax.Array:
        raw = self.inner(features, time, key=key)
        if key is None:
            return raw
        gone = jax.random.bernoulli(jax.random.fold_in(key, 1), DROPPED, (self.components,))
        each = raw.reshape(self.components, -1)
        return each.at[:, -1].add(jnp.where(gone, -30.0, 0.0)).reshape(-1)


def shared(rank: int) -> AbstractContextManager[Any]:
    """The package's readout with another rank."""

    def made(width: int, n_outputs: int, components: int, _: int, *, key: Any) -> ComponentReadout:
        return ComponentReadout(width, n_outputs, components, rank, key=key)

    return patch.object(mlp, "ComponentReadout", made)


def dropped() -> AbstractContextManager[Any]:
    """Networks whose components are dropped while they train."""

    def made(n_features: int, n_outputs: int, **settings: Any) -> Dropped:
        inner = ResidualMLP(n_features, n_outputs, **settings)
        return Dropped(n_features, n_outputs, inner, settings["components"])

    return patch.object(assemble, "ResidualMLP", made)


def masked(power: float) -> AbstractContextManager[Any]:
    """`floor(D (t/T)^p)` masked columns after step t."""

    def count(self: AbsorbingDiffusion, t: Any) -> jax.Array:
        D, T = self.n_columns, self.trajectory_length
        counts = np.floor(D * (np.arange(T + 1) / T) ** power + 1e-9).astype(np.int32)
        return jnp.asarray(counts)[t]

    return patch.object(AbsorbingDiffusion, "_masked", count)


VARIANTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    f"shared, rank {RANK}": nullcontext,
    f"shared, rank {RANK}, another seed": nullcontext,
    "shared, rank 8": lambda: shared(8),
    "shared, rank 128": lambda: shared(128),
    "own": lambda: patch.object(mlp, "ComponentReadout", Own),
    "embeddings": lambda: patch.object(mlp, "ComponentReadout", Embeddings),
    "components dropped": dropped,
    "columns (t/T)^0.5": lambda: masked(0.5),
    "columns (t/T)^2": lambda: masked(2.0),
}


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suite", choices=("debd", "fd27"))
    parser.add_argument("names", nargs="+")
    parser.add_argument("--only", nargs="*", choices=tuple(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--steps", type=int, help="by default those of the table")
    parser.add_argument("--max-steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(f"Machine: {describe()}; seed {arguments.seed}, {arguments.max_steps} steps at most\n")
    heads = "table", "T", "variant", "K", "difference", "fit CPU s"
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}", flush=True)
    for name in arguments.names:
        for row in measured(name, arguments):
            print(f"| {' | '.join(row)} |", flush=True)


def measured(name: str, arguments: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """A line for each variant."""
    path = Path(os.environ["QUASISTATIC_DATA"]) / arguments.suite / f"{name}.npz"
    train, held_out = rows_of(path, arguments.seed)
    settings = NETWORK | {
        "trajectory_length": arguments.steps,
        "components": COMPONENTS,
        "max_steps": arguments.max_steps,
    }
    first = None
    for variant in arguments.only:
        seed = arguments.seed + ("another seed" in variant)
        began = time.process_time()
        jax.clear_caches()  # programs of the variant before it, which have the same settings
        with VARIANTS[variant]():
            density = DiffusionDensity(random_state=seed, **settings).fit(train)
            seconds = time.process_time() - began
            K = density.log_likelihood(held_out).lower
        first = K if first is None else first
        T = str(density.model_.trajectory_length)
        yield name, T, variant, mean(K), mean(K - first), f"{seconds:.0f}"


def mean(x: np.ndarray) -> str:
    """With its standard error."""
    return f"{x.mean():.3f} ± {x.std(ddof=1) / np.sqrt(len(x)):.3f}"


if __name__ == "__main__":
    main()

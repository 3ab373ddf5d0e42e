"""Whether particles that fill holes should be resampled on their way: the errors of log Z.

    python benchmarks/resampling.py [MODEL]

Penguins with one to four random cells hidden; populations of 16 and 64 particles, 32 to 128 of each
row. Truth is the mean of Z over all of them: Z is unbiased with and without. Without MODEL one is
fitted first, with the settings of `quasistatic fit --max-minutes 1`.
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from quasistatic import DiffusionDensity, load
from quasistatic.data.files import read_table
from quasistatic.posterior import Observed, TwistedWalk
from quasistatic.posterior.query import CHUNK, walk_rows

TABLE = Path(__file__).resolve().parents[1] / "examples" / "penguins.csv"
ROWS, TOTAL, SEED = 24, 2048, 0


def main(model: str | None) -> None:
    """Ask and print."""
    density = load(model) if model else DiffusionDensity(random_state=0, max_minutes=1)
    table = read_table(TABLE)
    fitted = density.fitted_ if model else density.fit(table).fitted_
    encoded = fitted.encode(table)
    some, rng = np.flatnonzero(encoded.whole)[:ROWS], np.random.default_rng(SEED)
    holed = []
    for i in some:
        hidden = list(rng.choice(fitted.schema.names, rng.integers(1, 5), replace=False))
        holed.append(fitted.codec.without(encoded.take(np.array([i])).rows, hidden))
    rows = jax.tree.map(lambda *x: np.concatenate(x), *holed)
    print(f"{ROWS} penguins, T = {fitted.model.trajectory_length}, seed {SEED}")
    found = {}
    for particles in (16, 64):
        runs = TOTAL // particles
        many = jax.tree.map(lambda x, n=runs: np.repeat(np.asarray(x), n, axis=0), rows)
        labels = np.repeat(np.arange(ROWS, dtype=np.uint32), runs)
        numbers = np.tile(np.arange(runs, dtype=np.uint32), ROWS)
        for threshold in (0.0, 0.5):
            walk = TwistedWalk(particles, jnp.asarray(1, jnp.int32), threshold)
            told = walk_rows(
                walk,
                fitted.model,
                jax.tree.map(np.asarray, Observed.of(many)),
                labels,
                numbers,
                jax.random.key(SEED),
                CHUNK,
                shared=False,
            )
            found[particles, threshold] = (
                told.log_evidence.reshape(ROWS, runs),
                told.stderr.reshape(ROWS, runs),
            )
    each = np.stack(
        [np.logaddexp.reduce(z, axis=1) - np.log(z.shape[1]) for z, _ in found.values()]
    )
    truth = np.logaddexp.reduce(each, axis=0) - np.log(len(each))
    for (particles, threshold), (z, stderr) in found.items():
        error = z - truth[:, None]
        told = "" if threshold else f", stated {np.sqrt(np.mean(stderr**2)):.3f}"
        print(
            f"{particles} particles, {'resampled' if threshold else 'independent'}: error of log Z"
            f" {np.sqrt(np.mean(error**2)):.3f} nats (root mean square){told}, bias"
            f" {error.mean():.3f} ± {error.std() / np.sqrt(error.size):.3f}"
        )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)

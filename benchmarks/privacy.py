r"""Is a synthetic table somebody's data? Samplers that repeat their table, that learn it by heart,
and that do neither, asked what `quasistatic privacy` asks. Prints a Markdown table.

    python benchmarks/privacy.py [penguins yeast ...] [--seed 0] [--methods bootstrap mixture ...]

A random half of the rows is fitted on, the other half is held out; as many rows are drawn as are
held out. `bootstrap` draws rows of the training half; `jittered` moves their numbers by a tenth of
their standard deviation, to the nearest value of the training half, and shuffles one column of
texts; `mixture` is a mixture of products whose size held-out rows chose, `mixture of 64` one that
is too large; `quasistatic` the default fit. The first two have no log p, and no membership. Tables
are the penguins, and those of the folder `fd27` under QUASISTATIC_DATA. In brackets stands what no
leak gives, ± its standard error.
"""

import argparse

import numpy as np
import polars as pl
from machine import describe
from samples import load

from quasistatic import DiffusionDensity
from quasistatic.data.table import Table, from_frame
from quasistatic.fitted.privacy import Privacy, privacy

SETTINGS = {
    "bootstrap": {"model": "mixture"},
    "jittered": {"model": "mixture"},
    "mixture": {"model": "mixture"},
    "mixture of 64": {"model": "mixture", "components": 64},
    "quasistatic": {},
}
REPEATING = ("bootstrap", "jittered")
HEAD = ("table", "rows", "sampler", "nearer, %", "of the closest, %", "copies", "in the hold-out",
        "gap, nats", "AUC", "guesses")  # fmt: skip


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", nargs="*", default=["penguins"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--methods", nargs="*", choices=tuple(SETTINGS), default=list(SETTINGS))
    arguments = parser.parse_args()
    print(f"Machine: {describe()}; seed {arguments.seed}\n")
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    for name in arguments.tables:
        frame = load(name)
        order = np.random.default_rng(arguments.seed).permutation(len(frame))
        half = len(frame) // 2
        train, holdout = frame[order[:half]], frame[order[half : 2 * half]]
        for method in arguments.methods:
            found = asked(train, holdout, method, arguments.seed)
            print(f"| {name} | {half} | {method} | {' | '.join(said(found, method))} |", flush=True)


def asked(train: pl.DataFrame, holdout: pl.DataFrame, method: str, seed: int) -> Privacy:
    """What rows of a sampler tell of the training half."""
    fitted = DiffusionDensity(**SETTINGS[method], random_state=seed).fit(train).fitted_
    synthetic = repeated(train, method, seed) if method in REPEATING else None
    tables = from_frame(train), from_frame(holdout)
    return privacy(fitted, *tables, synthetic=synthetic, key=fitted.key(seed + 1))


def repeated(train: pl.DataFrame, method: str, seed: int) -> Table:
    """Rows of the training half, as they are or moved a little."""
    rng = np.random.default_rng(seed + 2)
    drawn = train[rng.integers(0, len(train), len(train))]
    if method == "bootstrap":
        return from_frame(drawn)
    moved = {}
    for column in drawn.select(pl.selectors.numeric()).iter_columns():
        noise = 0.1 * float(column.std() or 0.0) * rng.normal(size=len(column))
        known = train[column.name].unique().drop_nulls().sort()
        aim = column.cast(pl.Float64).fill_null(known[0]).to_numpy() + noise
        nearest = np.abs(known.cast(pl.Float64).to_numpy() - aim[:, None]).argmin(axis=1)
        moved[column.name] = known[nearest]
    texts = [name for name in drawn.columns if name not in moved]
    if texts:
        which = texts[int(rng.integers(len(texts)))]
        moved[which] = drawn[which][rng.permutation(len(drawn))]
    return from_frame(drawn.with_columns(**moved))


def said(found: Privacy, method: str) -> list[str]:
    """The cells of a line."""
    near, closest, of_rows = found.nearer, found.nearer_of_closest, found.membership
    gap = f"{of_rows.gap:.3f} ± {of_rows.gap_stderr:.3f}"
    auc = f"{of_rows.auc:.3f} ± {of_rows.auc_stderr:.3f}"
    return [
        *(
            f"{100 * one.share:.1f} ({100 * one.expected:.0f} ± {100 * one.stderr:.1f})"
            for one in (near, closest)
        ),
        f"{found.copies_drawn}",
        f"{found.copies_holdout}",
        *(("", "") if method in REPEATING else (gap, auc)),
        f"{found.guess.advantage:.4f} ± {found.guess.stderr:.4f}",
    ]


if __name__ == "__main__":
    main()

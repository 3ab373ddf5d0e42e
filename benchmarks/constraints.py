r"""What constraints are worth: rows that violate them, held-out log p and seconds to fit, with and
without, on five made tables. Prints a Markdown table.

    python benchmarks/constraints.py [--rows 1500] [--samples 100000] [--model mixture]
        [--tables stays invoices ...] [--max-steps 1000] [--filled 400] [--conditioned 1000]

With `--filled 100000 --conditioned 100000` as many rows are filled and conditioned as are sampled;
half as many rows with holes are filled twice each, held-out rows again and again with other holes.

The rules are checked by expressions that are written out here, not by the package. log p is AIS-16
of half as many held-out rows, nats per row; where a column is determined, the model without
constraints has to learn what the one with them is told.
"""

import argparse
import datetime
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import machine
import numpy as np
import polars as pl

from quasistatic import DiffusionDensity, between

CITIES = {
    "Paris": ("FR", 48.857, 2.352), "Lyon": ("FR", 45.764, 4.836), "Lille": ("FR", 50.629, 3.057),
    "Bonn": ("DE", 50.737, 7.098), "Kiel": ("DE", 54.323, 10.123), "Ulm": ("DE", 48.401, 9.988),
    "Bari": ("IT", 41.117, 16.872), "Pisa": ("IT", 43.716, 10.396),
}  # fmt: skip


class Case(NamedTuple):
    """A table with rules.

    Args:
        make: function of a generator and a number of rows to the table.
        constraints: rules, as `fit` takes them.
        broken: expression that is true where a rule is broken.
        given: a condition for `condition`.
        met: expression that is true where the condition is met.
    """

    make: Callable[[np.random.Generator, int], pl.DataFrame]
    constraints: list[str]
    broken: pl.Expr
    given: dict[str, Any]
    met: pl.Expr


def stays(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Dates in an order, guests, a price in steps."""
    start = np.sort(rng.integers(0, 700, n)) // 1
    season = np.cos(2 * np.pi * start / 365)
    booked = start - rng.geometric(0.03, n)
    length = 1 + rng.poisson(np.exp(1.2 - 0.5 * season))
    price = 5 * np.round((60 + 20 * season + rng.gamma(4, 8, n)) / 5)
    day = datetime.date(2023, 1, 1)

    def days(k: np.ndarray) -> list[datetime.date]:
        return [day + datetime.timedelta(int(i)) for i in k]

    columns = {"booked": days(booked), "start": days(start), "end": days(start + length)}
    return pl.DataFrame(columns | {"guests": 1 + rng.poisson(1.3, n), "price": price})


def invoices(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Cents: parts, a tax that is rounded, a total."""
    goods = rng.lognormal(4, 0.8, n).round(2)
    shipping = np.where(goods > 80, 0.0, rng.choice([4.9, 7.9, 12.9], n))
    tax = (goods * 0.19).round(2)
    return pl.DataFrame(
        {
            "goods": goods,
            "shipping": shipping,
            "tax": tax,
            "total": (goods + shipping + tax).round(2),
        }
    )


def shares(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Percentages that sum to 1, and what they depend on."""
    kind = rng.choice(3, n)
    alpha = np.array([[6, 2, 1, 1], [1, 5, 3, 1], [2, 2, 2, 4]])[kind]
    parts = np.array([rng.multinomial(100, rng.dirichlet(a)) for a in alpha]) / 100
    return pl.DataFrame(
        {"kind": np.array(["sand", "loam", "peat"])[kind]}
        | {name: parts[:, i] for i, name in enumerate("pqrs")}
    )


def doses(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Numbers of full precision in an order, one above two others."""
    low = rng.gamma(3, 1, n)
    usual = low + rng.gamma(1 + low, 0.5)
    other = low + rng.exponential(2, n)
    return pl.DataFrame(
        {"low": low, "usual": usual, "other": other,
         "most": np.maximum(usual, other) + rng.gamma(2, 1, n)}
    )  # fmt: skip


def places(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """A city with its country and coordinates, pairs of makes and models."""
    names = list(CITIES)
    city = [names[i] for i in rng.choice(len(names), n, p=rng.dirichlet(np.ones(len(names)) * 3))]
    pairs = [("A", "x"), ("A", "y"), ("B", "z"), ("B", "u"), ("C", "x")]
    pair = [pairs[i] for i in rng.choice(5, n, p=[0.3, 0.1, 0.25, 0.15, 0.2])]
    return pl.DataFrame(
        {
            "city": city,
            "country": [CITIES[c][0] for c in city],
            "latitude": [CITIES[c][1] for c in city],
            "longitude": [CITIES[c][2] for c in city],
            "make": [p[0] for p in pair],
            "model": [p[1] for p in pair],
            "age": rng.gamma(2 + np.array([p[0] == "A" for p in pair]), 3).round(1),
        }
    )


_KNOWN = pl.DataFrame(
    [(c, *rest) for c, rest in CITIES.items()],
    schema=["city", "country", "latitude", "longitude"], orient="row",
)  # fmt: skip
CASES = {
    "stays": Case(
        stays,
        ["booked < start < end", "guests >= 1", "price in steps of 5"],
        (pl.col("booked") >= pl.col("start")) | (pl.col("start") >= pl.col("end"))
        | (pl.col("guests") < 1) | (pl.col("price") % 5 != 0),
        {"end - start": between(high=3)},
        (pl.col("end") - pl.col("start")).dt.total_days() <= 3,
    ),
    "invoices": Case(
        invoices,
        ["tax = 0.19 * goods", "total = goods + shipping + tax"],
        ((pl.col("goods") * 0.19 - pl.col("tax")).abs() > 0.005001)
        | ((pl.sum_horizontal("goods", "shipping", "tax") - pl.col("total")).abs() > 0.005001),
        {"shipping": between(1, 8)},
        pl.col("shipping").is_between(1, 8),
    ),
    "shares": Case(
        shares,
        ["p + q + r + s = 1"],
        ((pl.sum_horizontal(*"pqrs") - 1).abs() > 1e-9) | (pl.min_horizontal(*"pqrs") < 0),
        {"kind": ["sand", "peat"]},
        pl.col("kind") != "loam",
    ),
    "doses": Case(
        doses,
        ["low < usual < most", "low < other < most"],
        (pl.col("low") >= pl.min_horizontal("usual", "other"))
        | (pl.col("most") <= pl.max_horizontal("usual", "other")),
        {"usual - low": between(1, 2)},
        (pl.col("usual") - pl.col("low")).is_between(1 - 1e-6, 2 + 1e-6),
    ),
    "places": Case(
        places,
        ["city determines country, latitude, longitude", "combinations of make, model"],
        ~pl.struct(_KNOWN.columns).is_in(_KNOWN.to_struct().implode())
        | ~pl.concat_str("make", "model").is_in(["Ax", "Ay", "Bz", "Bu", "Cx"]),
        {"country": "FR"},
        pl.col("country") == "FR",
    ),
}  # fmt: skip


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--model", choices=("mixture", "diffusion"), default="mixture")
    parser.add_argument("--max-steps", type=int, default=1000)
    parser.add_argument("--filled", type=int, default=400)
    parser.add_argument("--conditioned", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(machine.describe(), flush=True)
    headers = (
        "table", "constraints", "of samples", "of filled", "of conditioned", "log p", "fit CPU s",
    )  # fmt: skip
    print("| " + " | ".join(headers) + " |\n|" + "---|" * len(headers), flush=True)
    for name in arguments.tables:
        for constrained in (False, True):
            row = name, "yes" if constrained else "no", *measured(name, constrained, arguments)
            print("| " + " | ".join(row) + " |", flush=True)


def measured(name: str, constrained: bool, arguments: argparse.Namespace) -> tuple[str, ...]:
    """Violations in samples, filled and conditioned rows, log p of held-out rows, fitting time."""
    case, n = CASES[name], arguments.rows
    table = case.make(np.random.default_rng(arguments.seed), n + n // 2)
    assert table.filter(case.broken).height == 0, "the table breaks its own rules"
    order = np.random.default_rng(1).permutation(len(table))
    train, held_out = table[order[:n]], table[order[n:]]
    settings: dict[str, Any] = {"model": arguments.model, "random_state": arguments.seed}
    if arguments.model == "diffusion":
        settings |= {"members": 1, "max_steps": arguments.max_steps, "max_minutes": 2.9}
    began = time.process_time()
    density = DiffusionDensity(**settings)
    density.fit(train, constraints=case.constraints if constrained else ())
    seconds = time.process_time() - began
    found = density.log_likelihood(held_out, "ais", random_state=0)
    drawn = density.sample(arguments.samples, random_state=1)
    rng = np.random.default_rng(2)
    taken = held_out[np.arange(arguments.filled // 2) % len(held_out)]
    holed = taken.with_columns(
        pl.when(pl.Series(rng.random(len(taken)) < 0.6)).then(pl.col(c)).alias(c)
        for c in table.columns
    )
    filled = pl.concat(density.impute(holed, 2, random_state=0))
    if constrained or not any(" " in key for key in case.given):
        given = density.condition(case.given).sample(arguments.conditioned, random_state=0)
        conditioned = f"{given.filter(case.broken | ~case.met).height} of {len(given)}"
    else:
        conditioned = "-"
    return (
        f"{drawn.filter(case.broken).height} of {len(drawn)}",
        f"{filled.filter(case.broken).height} of {len(filled)}",
        conditioned,
        f"{found.mean:.3f} ± {found.mean_stderr:.3f}",
        f"{seconds:.1f}",
    )


if __name__ == "__main__":
    main()

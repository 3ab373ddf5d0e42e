r"""Strongly correlated numbers: what T reverse steps lose by the formula, and what fits lose.

    python benchmarks/correlations.py [--columns 9] [--factors 3] [--noise 0.1] [--rows 300] \
        [--steps 8 16 32] [--seed 0]

Rows x = W f + noise * e with standard normal f, e and random W, of which log p is known. Prints a
Markdown table: the loss of T steps of products by the formula (`fitting/_steps.py`), and for fits
with that T (0 is the default) K minus log p on 2,000 new rows, in nats a row. Beside them the
normal distribution with the mean and the covariance of the same rows, which knows of the shape of
the truth, and the mixture of products.
"""

import argparse
import time

import numpy as np
import polars as pl
from machine import describe
from scipy.stats import multivariate_normal

from quasistatic import DiffusionDensity
from quasistatic.fitting._steps import independence_loss

NEW_ROWS = 2000


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--columns", type=int, default=9)
    parser.add_argument("--factors", type=int, default=3)
    parser.add_argument("--noise", type=float, default=0.1)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--steps", nargs="*", type=int, default=[8, 32, 0])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    d, noise = arguments.columns, arguments.noise
    rng = np.random.default_rng(arguments.seed)
    loadings = rng.normal(size=(d, arguments.factors))
    covariance = loadings @ loadings.T + noise**2 * np.eye(d)
    x = rng.multivariate_normal(np.zeros(d), covariance, arguments.rows + NEW_ROWS)
    train, new = x[: arguments.rows], x[arguments.rows :]
    truth = multivariate_normal(np.zeros(d), covariance).logpdf(new)

    def show(name: str, steps: object, loss: str, nats: np.ndarray, seconds: float) -> None:
        apart = nats - truth
        error = apart.std(ddof=1) / np.sqrt(len(apart))
        cells = name, steps, loss, f"{apart.mean():.3f} ± {error:.3f}", f"{seconds:.0f}"
        print(f"| {' | '.join(map(str, cells))} |", flush=True)

    rows = f"{arguments.rows} rows of {d} columns"
    print(
        f"Machine: {describe()}; {rows}, {arguments.factors} factors, noise {noise}, "
        f"seed {arguments.seed}\n"
    )
    print("| model | T | loss by the formula | K - log p | CPU s |\n|---|---|---|---|---|")
    began = time.process_time()
    normal = multivariate_normal(train.mean(axis=0), np.cov(train.T)).logpdf(new)
    show("normal distribution", "", "", normal, time.process_time() - began)
    settings = [("mixture", {"model": "mixture"})]
    settings += [("diffusion", {"trajectory_length": T or None}) for T in arguments.steps]
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    for name, chosen in settings:
        began = time.process_time()
        model = DiffusionDensity(random_state=arguments.seed, **chosen).fit(frame(train))
        seconds = time.process_time() - began
        T = model.fitted_.model.trajectory_length
        loss = "" if T == 1 else f"{independence_loss(correlation, np.zeros(d), T):.3f}"
        default = ", default" if chosen.get("trajectory_length", 0) is None else ""
        nats = np.asarray(model.log_likelihood(frame(new)).lower)
        show(f"{name}{default}", T, loss, nats, seconds)


def frame(x: np.ndarray) -> pl.DataFrame:
    """The rows as a table."""
    return pl.DataFrame({f"x{j + 1}": column for j, column in enumerate(x.T)})


if __name__ == "__main__":
    main()

"""log Z of restricted machines by annealing from both directions, beside examples that are
published.

PyDeep's documentation (J. Melchior, 2017, page "Small centered/normal binary RBM on MNIST") has two
machines of 28 x 28 pixels and 16 hidden bits, learned by persistent contrastive divergence, centred
and not, with their exact log Z and that by annealed importance sampling from either end. Other
machines have another Z: what can be compared is how far each side is from the exact value, and, on
the same images, log p of the rows that were learned.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from quasistatic.experiments.markdown import markdown, number
from quasistatic.rivals import exact
from quasistatic.rivals.annealing import sandwich
from quasistatic.rivals.energy import AbstractBinaryEnergy


class Annealed(NamedTuple):
    """log Z of a machine, exact and from both directions; nats.

    Args:
        machine: which machine.
        log_z: exact log Z.
        forward: estimate by paths from independent bits.
        backward: estimate by paths from samples of the machine.
        log_p: exact mean log p of the training rows.
        stderr: standard errors of the two estimates; None where they are not published.
    """

    machine: str
    log_z: float
    forward: float
    backward: float
    log_p: float
    stderr: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types."""
        return self._asdict()


PUBLISHED = (
    Annealed("published: MNIST, pcd (PyDeep, 2017)", 209.93, 209.92, 209.55, -151.68),
    Annealed("published: MNIST, centred-pcd (PyDeep, 2017)", 332.06, 331.86, 333.98, -143.30),
)


def annealed(
    name: str,
    energy: AbstractBinaryEnergy,
    bias: np.ndarray,
    train: np.ndarray,
    *,
    paths: int,
    steps: int,
    seed: int,
) -> Annealed:
    """A machine whose Z can be summed, annealed from both directions; backward paths start from
    exact samples.

    Args:
        name: name of the machine.
        energy: the machine.
        bias: log-odds of the independent bits at the start, `[D]` nats.
        train: rows that it was learned from, `[N, D]`.
        paths: number of paths in each direction.
        steps: number of steps of a path.
        seed: seed of samples and paths.
    """
    samples = exact.sample(energy, paths, key=jax.random.key(seed))
    found = sandwich(energy, bias, samples, steps=steps, seed=seed)
    return Annealed(
        name,
        exact.log_partition(energy),
        found.forward.log_z,
        found.reverse.log_z,
        float(np.mean(exact.log_prob(energy, train))),
        (found.forward.stderr, found.reverse.stderr),
    )


def table(found: Sequence[Annealed]) -> str:
    """The machines as Markdown, the published ones last."""
    head = ["machine", "exact log Z", "forward", "off", "backward", "off", "log p of training rows"]
    rows = []
    for one in [*found, *PUBLISHED]:
        errors = one.stderr or (None, None)
        sides = (one.forward, one.backward)
        values = [
            text
            for side, error in zip(sides, errors, strict=True)
            for text in (number(side, error, 2), f"{side - one.log_z:+.2f}")
        ]
        rows.append(
            [one.machine, number(one.log_z, digits=2), *values, number(one.log_p, digits=2)]
        )
    return markdown(head, rows)

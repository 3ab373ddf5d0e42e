"""What a bench finds, and the models that several benches have."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from quasistatic.experiments.rivals import contestants, normalisers
from quasistatic.experiments.rivals.annealed import Annealed
from quasistatic.experiments.rivals.entry import Entry
from quasistatic.experiments.rivals.sizes import Sizes

Stage = Callable[[str], None]


class Bench(NamedTuple):
    """What a bench found.

    Args:
        name: name of the bench.
        title: one line on the data.
        entries: lines of the methods.
        claims: what is said of log Z of the known machine; empty where there is none.
        log_z: its exact log Z, nats; None where there is none.
        truth: log p of the test rows under the truth, nats per row; None if unknown.
        published: errors of couplings and correlations by method, where they are of this size.
        annealed: machines that were annealed from both directions; empty (default): none.
    """

    name: str
    title: str
    entries: list[Entry]
    claims: list[normalisers.Claim]
    log_z: float | None
    truth: float | None
    published: Mapping[str, tuple[float, float]] = MappingProxyType({})
    annealed: Sequence[Annealed] = ()


def normalised(
    train: np.ndarray,
    test: np.ndarray,
    truth: float | None,
    sizes: Sizes,
    seed: int,
    tell: Stage,
    where: str,
    errors: contestants.Errors,
    components: int,
) -> list[Entry]:
    """Models that are normalised by themselves: variational Bayes and diffusion.

    Args:
        train: training rows, `[N, D]`.
        test: test rows, `[M, D]`.
        truth: mean log p of the test rows under the truth, nats; None if unknown.
        sizes: sizes of the benches.
        seed: seed of everything.
        tell: function called with a message before each piece of work.
        where: name of the bench, for the messages.
        errors: function from what draws rows to further errors.
        components: number of components of the mixture.
    """
    tell(f"{where}: variational Bayes")
    mixture = contestants.mixture_entry(
        train, test, truth, components=components, errors=errors, seed=seed
    )
    encoder = contestants.autoencoder_entry(
        train, test, truth, updates=sizes.updates, draws=200, errors=errors, seed=seed
    )
    tell(f"{where}: diffusion")
    bits = train.astype(np.int8), test.astype(np.int8)
    diffusion = contestants.diffusion_entry(
        *bits, truth, sizes.diffusion, trajectories=sizes.trajectories, errors=errors,
        seed=seed,
    )  # fmt: skip
    return [mixture, encoder, diffusion]

"""The contract of a network: features of one noisy row and the time, to the parameters of its
reverse kernel.

To add one:

- write a class here with `__call__` and the two sizes, in a file of its own; its output must be 0
  at initialisation;
- export it in `network/__init__.py`, and name it in `config.py` if it is to be chosen by name;
- add its line to `NETWORKS` in `tests/cases.py`.
"""

import abc

import equinox as eqx

from quasistatic.typing import Array, Float, Key

__all__ = ["AbstractNetwork"]


class AbstractNetwork(eqx.Module):
    """A function `[F] x time -> [P]`."""

    n_features: eqx.AbstractVar[int]
    n_outputs: eqx.AbstractVar[int]

    @abc.abstractmethod
    def __call__(
        self, features: Float[Array, " F"], time: Float[Array, ""], *, key: Key | None = None
    ) -> Float[Array, " P"]:
        """Raw parameters of the reverse kernel.

        Args:
            features: features of x_t, length `n_features`.
            time: time t / T, in (0, 1].
            key: random key of the dropout while training; None (default) means evaluation.
        """

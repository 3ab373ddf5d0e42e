r"""The contract of a forward process q, for one block of one row.

A block is all columns of a row that share a kernel; the process of a whole row is a product of
blocks (`product.py`), also where there is one. A process offers its four distributions (paper,
table C.1) and the *form* of its reversal: Feller's theorem says that for small steps the reverse
kernel has the same functional form as the forward one, so the network only supplies the parameters.

| method | distribution |
|---|---|
| `prior()` | pi = p(x_T) |
| `kernel(x, t, s)` | q(x_t given x_s = x) |
| `marginal(x_0, t)` | q(x_t given x_0) |
| `bridge(x_t, x_0, t, s)` | q(x_s given x_t, x_0); at s = 0 all mass at x_0 |
| `reverse_kernel(raw, x_t, t, s, data)` | p(x_s given x_t), from the network's output |
| `log_evidence(data, x_t, t)` | log q(x_t) of x_0 ~ `data` |
| `features(x_t, observed, t)` | what the network sees of x_t |

s is t - 1 where it is left out. Larger strides, 0 <= s < t, are the steps of a sub-schedule
(`thinned.py`); s = 0 is the model's guess at the data. The bridge composes: q(x_s|x_t,x_0) = sum
over x_u of q(x_s|x_u,x_0) q(x_u|x_t,x_0); the reverse kernel does not, which is why fewer steps
cost likelihood.

`data` is a distribution of x_0 with independent columns, `independent()` where it is left out. With
`raw` = 0 the reverse kernel is its reversal: exactly, where it is given. The components of a
mixture (`model.py`) are reversed one by one.

To add one:

- write a class here with the eight methods, in a file of its own; `raw = 0` must give the reversal
  of `data` (the training starts there);
- if its distributions are none of those in `distribution/block.py`, say in the same file what
  posteriors, products and the ledger ask of them: `believe`, `tilt`, `multiply` and `signal_left`
  (`belief/families.py`; `tests/laws/test_toy_kernel.py` is such a file);
- export it in `forward/__init__.py`; to be chosen by name it needs its line in `DISCRETE_KERNELS`
  in `config.py`;
- add its line to `KERNELS` in `tests/cases.py`: every law is then tested on it.
"""

import abc

import equinox as eqx
import jax.numpy as jnp

from quasistatic.distribution import AbstractDistribution
from quasistatic.typing import Array, Bool, Float, Int, Step

__all__ = ["AbstractDiffusion", "earlier"]


def earlier(t: Step, s: Step | None) -> Int[Array, ""]:
    """The step s before t: t - 1 where it is not given."""
    return jnp.asarray(t) - 1 if s is None else jnp.asarray(s)


class AbstractDiffusion(eqx.Module):
    """A forward process on one block; T steps from the data to the prior."""

    trajectory_length: eqx.AbstractVar[int]
    n_columns: eqx.AbstractVar[int]
    n_features: eqx.AbstractVar[int]
    n_outputs: eqx.AbstractVar[int]

    @abc.abstractmethod
    def prior(self) -> AbstractDistribution:
        """Equilibrium distribution pi."""

    @abc.abstractmethod
    def kernel(self, x: Array, t: Step, s: Step | None = None) -> AbstractDistribution:
        """q(x_t given x_s = x), equation (2)."""

    @abc.abstractmethod
    def marginal(self, x_0: Array, t: Step) -> AbstractDistribution:
        """q(x_t given x_0): the kernels 1..t composed."""

    @abc.abstractmethod
    def bridge(
        self, x_t: Array, x_0: Array, t: Step, s: Step | None = None
    ) -> AbstractDistribution:
        """q(x_s given x_t, x_0), by Bayes."""

    @abc.abstractmethod
    def independent(self) -> AbstractDistribution:
        """The distribution of x_0 that is assumed where no other is given: independent columns."""

    @abc.abstractmethod
    def reverse_kernel(
        self,
        raw: Float[Array, " P"],
        x_t: Array,
        t: Step,
        s: Step | None = None,
        data: AbstractDistribution | None = None,
    ) -> AbstractDistribution:
        """p(x_s given x_t) from the network's raw output of length `n_outputs`; for raw = 0 the
        reversal of `data`, by default of `independent()`.
        """

    @abc.abstractmethod
    def log_evidence(self, data: AbstractDistribution, x_t: Array, t: Step) -> Float[Array, " D"]:
        """log E_{x_0 ~ data} q(x_t given x_0), nats per column, up to what is the same for all
        `data`.
        """

    @abc.abstractmethod
    def features(self, x_t: Array, observed: Bool[Array, " D"], t: Step) -> Float[Array, " F"]:
        """Network input of length `n_features`; nothing of an unobserved cell may enter it."""

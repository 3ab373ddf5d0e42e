r"""What a family of distributions has to say to posteriors, products and the ledger: functions
chosen by the type of their first argument (`functools.singledispatch`).

| function | what | who asks |
|---|---|---|
| `believe(guess)` | the belief that a distribution of x_0 is | posteriors |
| `match_step(kernel, ...)` | the belief whose step is the model's own, if another | posteriors |
| `tilt(kernel, ...)` | the step with a guided belief in place of the guess | posteriors |
| `multiply(at_zero, ...)` | a belief times that of another model | products |
| `signal_left(marginal, ...)` | alpha_bar, read off q(x_t\|x_0) | the ledger |

All of them are of one block of one row. To add a family, register them beside its distribution, in
the file of the kernel that returns it:

    @believe.register(MyDistribution)
    def _(guess: MyDistribution) -> StateBelief: ...
"""

from collections.abc import Callable
from functools import singledispatch

from quasistatic.belief.base import AbstractBelief
from quasistatic.distribution import AbstractDistribution
from quasistatic.typing import Array, Float

__all__ = ["Bridge", "Marginal", "believe", "match_step", "multiply", "signal_left", "tilt"]

Bridge = Callable[[Array], AbstractDistribution]
"""x_0 -> q(x_{t-1}|x_t,x_0) of a block, at a given x_t and t."""

Marginal = Callable[[Array], AbstractDistribution]
"""x_0 -> q(x_t|x_0) of a block, at a given t."""


def _unregistered(function: str, distribution: object) -> TypeError:
    name = type(distribution).__name__
    return TypeError(
        f"`{function}` is not defined for {name}: register it with "
        f"`@quasistatic.belief.{function}.register({name})` in the file of the kernel that returns "
        f"{name} (belief/families.py says what it answers)"
    )


@singledispatch
def believe(guess: AbstractDistribution) -> AbstractBelief:
    """The belief that a distribution of x_0 (or of any x_t) is, without evidence.

    Args:
        guess: distribution of the D columns of a block.
    """
    raise _unregistered("believe", guess)


@singledispatch
def match_step(
    kernel: AbstractDistribution, bridge: Bridge, belief: AbstractBelief
) -> AbstractBelief:
    """The belief of x_0 whose step back is the model's reverse kernel; by default as it is.

    Args:
        kernel: the model's p(x_{t-1}|x_t).
        bridge: x_0 -> q(x_{t-1}|x_t,x_0).
        belief: belief of the model's guess p(x_0|x_t).
    """
    return belief


@singledispatch
def tilt(
    kernel: AbstractDistribution, bridge: Bridge, guided: AbstractBelief, plain: AbstractBelief
) -> AbstractDistribution:
    """p(x_{t-1}|x_t) with a guided belief of x_0 in place of the model's own; a column in which the
    two beliefs are equal keeps the model's kernel to the last digit.

    Args:
        kernel: the model's p(x_{t-1}|x_t).
        bridge: x_0 -> q(x_{t-1}|x_t,x_0).
        guided: belief of x_0 with the evidence.
        plain: belief of x_0 without it.
    """
    raise _unregistered("tilt", kernel)


@singledispatch
def multiply(
    at_zero: AbstractDistribution,
    marginal: Marginal,
    x_t: Array,
    belief: AbstractBelief,
    other: AbstractBelief,
) -> tuple[AbstractBelief, Float[Array, " D"]]:
    """A belief times `p'(x_0|x_t) / q(x_t|x_0)`, and its log-mass per column; exact up to factors
    that x_t does not change.

    Args:
        at_zero: q(x_t|x_0 = 0), which tells the family.
        marginal: x_0 -> q(x_t|x_0).
        x_t: state [D] of the block.
        belief: belief to be multiplied.
        other: the other model's guess p'(x_0|x_t).
    """
    raise _unregistered("multiply", at_zero)


@singledispatch
def signal_left(
    marginal: AbstractDistribution, prior: AbstractDistribution, x_0: Array
) -> Float[Array, " D"]:
    """alpha_bar of each column, read off q(x_t|x_0): the share of the signal that is left.

    Args:
        marginal: q(x_t|x_0).
        prior: equilibrium distribution pi.
        x_0: state [D] of the block.
    """
    raise _unregistered("signal_left", marginal)

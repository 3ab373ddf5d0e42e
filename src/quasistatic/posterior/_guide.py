r"""Tilted reverse kernels: a step of the chain that walks towards the evidence (paper, equation
(22) and appendix C).

A reverse kernel is a guess of x_0, walked back by the bridge:

    p(x_s|x_t) = E_{p(x_0|x_t)} q(x_s|x_t,x_0),

so the step given r(x_0) is the same with the guess times r (`belief.tilt` has the formula of each
family). Gaussian r, deltas, intervals and tables of states are products in closed form; for an
observed cell without width the tilted step is the bridge to its value. Of a mixture each component
is tilted, and its weight multiplied with the mass that r has left of it.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from quasistatic.belief import Belief, MixtureBelief, believe, match_step, tilt
from quasistatic.belief.families import Bridge
from quasistatic.distribution import Mixture, Product
from quasistatic.forward.base import AbstractDiffusion
from quasistatic.model import DiffusionModel
from quasistatic.posterior.evidence.base import AbstractEvidence
from quasistatic.typing import Array, State, Step


class Guess(NamedTuple):
    """What one network evaluation says at x_t.

    Args:
        reverse: reverse kernel p(x_{t-1}|x_t).
        plain: belief p(x_0|x_t), independent columns or a mixture.
        conditioned: belief p(x_0|x_t) times the closed part of the evidence; its log-mass is exact.
        guided: belief p(x_0|x_t) times the whole evidence, its open part included; its log-mass is
            the log-twist, about what log E r will be.
    """

    reverse: Product | Mixture
    plain: Belief | MixtureBelief
    conditioned: Belief | MixtureBelief
    guided: Belief | MixtureBelief


def whole_row(x: State) -> State:
    """The flags of a row without holes: the posterior is that of the joint model of all cells."""
    return jax.tree.map(lambda leaf: jnp.ones(leaf.shape, bool), x)


def guess(model: DiffusionModel, evidence: AbstractEvidence, x_t: State, t: Step) -> Guess:
    """The reverse kernel at x_t, and what is believed of x_0 there with the evidence.

    Args:
        model: model p.
        evidence: evidence r of one row.
        x_t: state of the row, one array [D] per block.
        t: number t of the step.
    """
    whole = whole_row(x_t)
    outputs = model.outputs(x_t, whole, t)
    reverse, of_data = (model.reverse_kernel_of(outputs, x_t, whole, t, s) for s in (None, 0))

    def believed(kernel: Product, guessed: Product) -> tuple[Belief, Belief, Belief]:
        blocks = zip(model.forward.blocks, kernel.parts, guessed.parts, x_t, strict=True)
        plain = Belief.of(
            tuple(match_step(k, _bridge(b, x, t), believe(g)) for b, k, g, x in blocks)
        )
        conditioned = evidence.condition(plain)
        return plain, conditioned, evidence.guide(conditioned)

    if isinstance(reverse, Mixture) and isinstance(of_data, Mixture):
        each = jax.vmap(believed)(reverse.components, of_data.components)
        return Guess(reverse, *(MixtureBelief(reverse.log_weights, part) for part in each))
    assert isinstance(reverse, Product)
    assert isinstance(of_data, Product)
    return Guess(reverse, *believed(reverse, of_data))


def _bridge(block: AbstractDiffusion, x_t: Array, t: Step) -> Bridge:
    return lambda x_0: block.bridge(x_t, x_0, t)


def tilted_kernel(model: DiffusionModel, found: Guess, x_t: State, t: Step) -> Product | Mixture:
    """The reverse kernel p(x_{t-1}|x_t) with the guided belief in place of the model's own.

    A column that the evidence does not touch keeps the model's kernel to the last digit: its weight
    is 1.

    Args:
        model: model p.
        found: guess at x_t.
        x_t: state of the row, one array [D] per block.
        t: number t of the step.
    """

    def tilted(kernel: Product, guided: Belief, plain: Belief) -> Product:
        blocks = zip(
            model.forward.blocks, kernel.parts, guided.parts, plain.parts, x_t, strict=True
        )
        return Product(
            tuple(tilt(part, _bridge(b, x, t), ours, own) for b, part, ours, own, x in blocks)
        )

    reverse, guided, plain = found.reverse, found.guided, found.plain
    if isinstance(reverse, Mixture):
        assert isinstance(guided, MixtureBelief)
        assert isinstance(plain, MixtureBelief)
        each = jax.vmap(tilted)(reverse.components, guided.components, plain.components)
        return Mixture(guided.log_posterior, each)
    assert isinstance(guided, Belief)
    assert isinstance(plain, Belief)
    return tilted(reverse, guided, plain)

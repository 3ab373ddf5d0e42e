"""What training is made of: its settings, its state, its optimiser."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from quasistatic.config import TrainConfig
from quasistatic.forward.schedule import AbstractSchedule
from quasistatic.model import DiffusionModel
from quasistatic.network.base import AbstractNetwork
from quasistatic.typing import Array, Float

__all__ = [
    "TrainState",
    "flat",
    "initial_state",
    "learning_shares",
    "optimiser",
    "time_probabilities",
    "trainable",
]


class TrainState(NamedTuple):
    """Everything that changes while training; with the settings and the data it determines the rest
    of the run.

    `step`, `stale` and `retries` are Python integers, `best_bound` (nats) and `rate_scale` Python
    floats.
    """

    parameters: Any
    average: Any
    best: Any
    optimiser: Any
    step: int = 0
    best_bound: float = -float("inf")
    stale: int = 0
    retries: int = 0
    rate_scale: float = 1.0


def trainable(model: DiffusionModel) -> Any:
    """Filter of the trained leaves: the network's arrays and those of learned schedules; never
    frequencies or pi.
    """

    def is_trained(node: Any) -> bool:
        return isinstance(node, AbstractSchedule | AbstractNetwork)

    def of_part(node: Any) -> Any:
        return jax.tree.map(eqx.is_inexact_array, node) if is_trained(node) else False

    return jax.tree.map(of_part, model, is_leaf=is_trained)


def learning_shares(model: DiffusionModel, *, fixed_schedule: bool) -> Any:
    """Factors of the learning rate, a number per trained leaf: 1, or 0 for those of a schedule that
    is fixed.
    """

    def is_schedule(node: Any) -> bool:
        return isinstance(node, AbstractSchedule)

    def of_part(node: Any) -> Any:
        share = 0.0 if fixed_schedule and is_schedule(node) else 1.0
        return jax.tree.map(lambda _: share, node)

    return jax.tree.map(of_part, eqx.filter(model, trainable(model)), is_leaf=is_schedule)


def flat(tree: Any) -> Float[Array, " P"]:
    """The arrays of a tree as one vector: what is done to every parameter is then done once."""
    return ravel_pytree(tree)[0]


def optimiser(config: TrainConfig, parameters: Any) -> optax.GradientTransformation:
    """AdamW of flat parameters with clipping, warm-up and a cosine; matrices only are decayed.

    Args:
        config: settings of the training.
        parameters: parameters, not flat: they tell which are matrices.
    """
    warmup = min(config.warmup_steps, max(config.max_steps // 10, 1))
    rate = optax.warmup_cosine_decay_schedule(
        0.0,
        config.learning_rate,
        warmup,
        max(config.max_steps, warmup + 1),
        end_value=0.01 * config.learning_rate,
    )
    decay = flat(
        jax.tree.map(
            lambda x: jnp.full(x.shape, config.weight_decay if x.ndim >= 2 else 0.0), parameters
        )
    )

    def decayed(update: Array, parameter: Array) -> Array:
        return update + decay * parameter

    return optax.chain(
        optax.clip_by_global_norm(config.clip_norm),
        optax.scale_by_adam(b2=0.99),
        optax.stateless(lambda updates, params: jax.tree.map(decayed, updates, params)),
        optax.scale_by_learning_rate(rate),
    )


def initial_state(model: DiffusionModel, config: TrainConfig) -> TrainState:
    """The state before the first step."""
    parameters = eqx.filter(model, trainable(model))
    moments = jax.eval_shape(lambda p: optimiser(config, p).init(flat(p)), parameters)
    # They all begin at 0, and zeros that are handed over need no program.
    zeros = jax.tree.map(lambda x: jax.device_put(np.zeros(x.shape, x.dtype)), moments)
    return TrainState(parameters, parameters, parameters, zeros)


def time_probabilities(
    trajectory_length: int, first_step_share: float | None
) -> Float[Array, " T"]:
    """The distribution that training draws t = 1..T from; the loss is divided by it, so its
    expectation does not change.
    """
    found = np.full(trajectory_length, 1.0 / trajectory_length, np.float32)
    if first_step_share is not None and trajectory_length > 1:
        found[1:] = (1.0 - first_step_share) / (trajectory_length - 1)
        found[0] = first_step_share
    return jax.device_put(found)

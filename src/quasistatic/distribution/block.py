"""Distributions over the states of one block: what a kernel, a marginal, a bridge and a reverse
kernel are.

Every quantity is given per column ([D]) so that missing cells can be left out of a sum and a faulty
column can be named; a distribution whose columns depend on each other splits its log-probability
among them so that the sum is right.
"""

import abc
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.distribution.interval import (
    entropy_lost,
    log_normal_range,
    sample_normal_range,
)
from quasistatic.numerics import (
    LOG_ZERO,
    chosen,
    log_binomial,
    log_normal_density,
    log_normal_interval,
    random_subset,
)
from quasistatic.typing import Array, Bool, Float, Int, Key

__all__ = ["AbstractDistribution", "Binary", "Categorical", "Normal", "RandomSubset"]


class AbstractDistribution(eqx.Module):
    """A normalised distribution of a block's state."""

    @property
    @abc.abstractmethod
    def n_columns(self) -> int:
        """D."""

    @abc.abstractmethod
    def sample(self, *, key: Key) -> Array:
        """One draw."""

    @abc.abstractmethod
    def log_prob(self, x: Array) -> Float[Array, " D"]:
        """Log-density or log-probability of `x`, nats per column."""

    @abc.abstractmethod
    def log_cell(self, x: Array, width: Float[Array, " D"] | None) -> Float[Array, " D"]:
        """Log-mass of the data cell of the given width around `x` (its log-density where the width
        is 0), nats per column.
        """

    @abc.abstractmethod
    def kl(self, other: Self) -> Float[Array, " D"]:
        """KL(self || other), nats per column."""

    @abc.abstractmethod
    def entropy(self) -> Float[Array, " D"]:
        """Entropy, nats per column."""


class Normal(AbstractDistribution):
    """Independent normal columns, N(mean, exp(log_variance)); those with limits cut to [low, high]
    and normalised there.

    Args:
        mean: means of the whole distributions, `[D]`.
        log_variance: log-variances of the whole distributions, `[D]`.
        low: lower limits, `[D]`, minus infinity for none; None (default) where no column has one.
        high: upper limits, `[D]`, infinity for none; None (default) where no column has one.
    """

    mean: Float[Array, " D"]
    log_variance: Float[Array, " D"]
    low: Float[Array, " D"] | None = None
    high: Float[Array, " D"] | None = None

    @property
    def n_columns(self) -> int:
        return self.mean.shape[0]

    def whole(self) -> "Normal":
        """Without the limits, which are those of x_0 alone: the distribution of any other state."""
        return Normal(self.mean, self.log_variance)

    def _limits(self) -> tuple[Float[Array, " D"], Float[Array, " D"]] | None:
        """Both limits of every column; None where no column has any."""
        if self.low is None and self.high is None:
            return None
        edge = jnp.full(self.mean.shape, jnp.inf, self.mean.dtype)
        return -edge if self.low is None else self.low, edge if self.high is None else self.high

    def _within(self, x: Float[Array, " D"], whole: Float[Array, " D"]) -> Float[Array, " D"]:
        """The log-probability of x under the whole distribution, over the mass within the
        limits.
        """
        limits = self._limits()
        if limits is None:
            return whole
        low, high = limits
        mass = log_normal_range(low, high, self.mean, self.log_variance)
        return jnp.where((x >= low) & (x <= high), whole - mass, LOG_ZERO)

    def sample(self, *, key: Key) -> Float[Array, " D"]:
        noise = jax.random.normal(key, self.mean.shape, self.mean.dtype)
        drawn = self.mean + jnp.exp(0.5 * self.log_variance) * noise
        limits = self._limits()
        if limits is None:
            return drawn
        low, high = limits
        within = sample_normal_range(
            low, high, self.mean, self.log_variance, key=jax.random.fold_in(key, 1)
        )
        return jnp.where(jnp.isfinite(low) | jnp.isfinite(high), within, drawn)

    def log_prob(self, x: Float[Array, " D"]) -> Float[Array, " D"]:
        return self._within(x, log_normal_density(x, self.mean, self.log_variance))

    def log_cell(
        self, x: Float[Array, " D"], width: Float[Array, " D"] | None
    ) -> Float[Array, " D"]:
        if width is None:
            return self.log_prob(x)
        return self._within(x, log_normal_interval(x, width, self.mean, self.log_variance))

    def kl(self, other: "Normal") -> Float[Array, " D"]:
        """Of the whole distributions: limits are those of x_0 alone, of which no KL is taken."""
        log_ratio = self.log_variance - other.log_variance
        shift = jnp.square(self.mean - other.mean) * jnp.exp(-other.log_variance)
        return 0.5 * (jnp.expm1(log_ratio) - log_ratio + shift)

    def entropy(self) -> Float[Array, " D"]:
        whole = 0.5 * (self.log_variance + jnp.log(2 * jnp.pi) + 1.0)
        limits = self._limits()
        if limits is None:
            return whole
        return whole - entropy_lost(*limits, self.mean, self.log_variance)


class Categorical(AbstractDistribution):
    """Independent categorical columns; `log_probs` [D, K] normalised over K, `LOG_ZERO` for
    impossible states.
    """

    log_probs: Float[Array, "D K"]

    @property
    def n_columns(self) -> int:
        return self.log_probs.shape[0]

    def sample(self, *, key: Key) -> Int[Array, " D"]:
        return jax.random.categorical(key, self.log_probs, axis=-1).astype(jnp.int32)

    def log_prob(self, x: Int[Array, " D"]) -> Float[Array, " D"]:
        return chosen(self.log_probs, x)

    def log_cell(self, x: Int[Array, " D"], width: None) -> Float[Array, " D"]:
        return self.log_prob(x)

    def kl(self, other: "Categorical | Binary") -> Float[Array, " D"]:
        return jnp.sum(jnp.exp(self.log_probs) * (self.log_probs - other.log_probs), axis=-1)

    def entropy(self) -> Float[Array, " D"]:
        return -jnp.sum(jnp.exp(self.log_probs) * self.log_probs, axis=-1)


class Binary(AbstractDistribution):
    """Independent columns of two states, `log_odds` [D] of the second: a `Categorical` that is
    asked for the log-probability of one state of each column without making a table of both, which
    takes four times as long on a CPU.
    """

    log_odds: Float[Array, " D"]

    @property
    def n_columns(self) -> int:
        return self.log_odds.shape[0]

    @property
    def log_probs(self) -> Float[Array, "D 2"]:
        """Of both states."""
        return jnp.stack([_log_sigmoid(-self.log_odds), _log_sigmoid(self.log_odds)], axis=-1)

    def sample(self, *, key: Key) -> Int[Array, " D"]:
        return Categorical(self.log_probs).sample(key=key)

    def log_prob(self, x: Int[Array, " D"]) -> Float[Array, " D"]:
        return _log_sigmoid(jnp.where(x == 1, self.log_odds, -self.log_odds))

    def log_cell(self, x: Int[Array, " D"], width: None) -> Float[Array, " D"]:
        return self.log_prob(x)

    def kl(self, other: "Categorical | Binary") -> Float[Array, " D"]:
        return Categorical(self.log_probs).kl(other)

    def entropy(self) -> Float[Array, " D"]:
        return Categorical(self.log_probs).entropy()


def _log_sigmoid(x: Float[Array, " D"]) -> Float[Array, " D"]:
    """log 1 / (1 + exp(-x)), `LOG_ZERO` at least."""
    return jnp.maximum(jax.nn.log_sigmoid(x), LOG_ZERO)


class RandomSubset(AbstractDistribution):
    """Replace `count` of the `candidates`, a uniformly random subset, by `values`: given ones, or
    independent random ones.

    The other columns keep their `current` state. Candidates must be recognisable afterwards: a
    replaced column never has the state it had (here: mask to value, or value to mask). With m
    candidates

        log P(x) = - log (m choose count)
                   + sum over replaced columns of log P(value of column i is x_i),

    the first part shared evenly by all columns.
    """

    current: Int[Array, " D"]
    candidates: Bool[Array, " D"]
    count: Int[Array, ""]
    values: Int[Array, " D"] | Categorical | Binary

    @property
    def n_columns(self) -> int:
        return self.current.shape[0]

    def _log_subsets(self) -> Float[Array, ""]:
        return log_binomial(jnp.sum(self.candidates), self.count, self.n_columns)

    def sample(self, *, key: Key) -> Int[Array, " D"]:
        which, what = jax.random.split(key)
        replaced = random_subset(self.candidates, self.count, key=which)
        values = self.values
        if isinstance(values, AbstractDistribution):
            values = values.sample(key=what)
        return jnp.where(replaced, values, self.current)

    def log_value(self, x: Int[Array, " D"]) -> Float[Array, " D"]:
        """log-probability that the value of a column, if it is replaced, is x, nats per column."""
        if isinstance(self.values, AbstractDistribution):
            return self.values.log_prob(x)
        return jnp.where(x == self.values, 0.0, LOG_ZERO)

    def log_prob(self, x: Int[Array, " D"]) -> Float[Array, " D"]:
        replaced = x != self.current
        valid = jnp.all(self.candidates | ~replaced) & (jnp.sum(replaced) == self.count)
        value = jnp.where(replaced, self.log_value(x), 0.0) - self._log_subsets() / x.shape[0]
        return jnp.where(valid, value, LOG_ZERO)

    def log_cell(self, x: Int[Array, " D"], width: None) -> Float[Array, " D"]:
        return self.log_prob(x)

    def _chosen(self) -> Float[Array, " D"]:
        """Probability of each column to be replaced."""
        return jnp.where(
            self.candidates, self.count / jnp.maximum(jnp.sum(self.candidates), 1), 0.0
        )

    def kl(self, other: "RandomSubset") -> Float[Array, " D"]:
        """KL for two distributions with the same candidates and count, as a bridge and its reverse
        kernel have.
        """
        mine, theirs = self.values, other.values
        if isinstance(mine, AbstractDistribution) and isinstance(theirs, AbstractDistribution):
            return self._chosen() * mine.kl(theirs)
        if isinstance(mine, AbstractDistribution):
            raise TypeError("KL of random values from certain ones is infinite")
        return -self._chosen() * other.log_value(mine)

    def entropy(self) -> Float[Array, " D"]:
        values = (
            self.values.entropy()
            if isinstance(self.values, AbstractDistribution)
            else jnp.zeros(self.current.shape)
        )
        return self._chosen() * values + self._log_subsets() / self.current.shape[0]

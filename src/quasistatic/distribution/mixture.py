r"""A distribution of a whole row whose columns depend on one another: a mixture of products, with
one latent class shared by all columns and blocks,

    p(x) = sum_k w_k prod_j p_kj(x_j).

Log-density, draws, the marginal of any columns, conditioning on cells and multiplication by a
factorised r are in closed form: with m_k = E_{p_k} r

    p(x) r(x) / Z = sum_k (w_k m_k / Z) prod_j p_kj(x_j) r_j(x_j) / m_kj,     Z = sum_k w_k m_k.
"""

from itertools import accumulate

import equinox as eqx
import jax
import jax.numpy as jnp

from quasistatic.distribution.block import AbstractDistribution, RandomSubset
from quasistatic.distribution.product import Product
from quasistatic.numerics import ranks
from quasistatic.typing import Array, Bool, Float, Key, State

__all__ = ["Mixture", "divergence", "entropy"]


class Mixture(eqx.Module):
    """A mixture of C products.

    Where `columns` are given, flags bool [D] over all columns, the others are summed out.

    Args:
        log_weights: normalised log-weights of the components, `[C]`.
        components: products of the components, every array with a leading axis [C].

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from quasistatic.distribution import Categorical
        >>> tables = jnp.log(jnp.array([[[0.9, 0.1]] * 2, [[0.1, 0.9]] * 2]))
        >>> components = jax.vmap(lambda table: Product((Categorical(table),)))(tables)
        >>> agree = Mixture(jnp.log(jnp.array([0.5, 0.5])), components)
        >>> f"{jnp.exp(agree.log_prob((jnp.array([0, 0]),)).sum()):.2f}"
        '0.41'
    """

    log_weights: Float[Array, " C"]
    components: Product

    @property
    def n_components(self) -> int:
        """C."""
        return self.log_weights.shape[0]

    def whole(self) -> "Mixture":
        """Without the limits of x_0."""
        return Mixture(self.log_weights, jax.vmap(lambda part: part.whole())(self.components))

    def component(self, k: Array) -> Product:
        """The product of component k."""
        return jax.tree.map(lambda x: x[k], self.components)

    def sample(self, *, key: Key) -> State:
        """One draw: a component, then its columns."""
        which, what = jax.random.split(key)
        return self.component(jax.random.categorical(which, self.log_weights)).sample(key=what)

    def log_prob(self, x: State, columns: Bool[Array, " D"] | None = None) -> Float[Array, " D"]:
        """Log-density or log-probability of `x`, nats: the columns that count have even shares."""
        each = jax.vmap(lambda p: p.log_prob_of_row(x, columns))(self.components)
        return _shared(jax.nn.logsumexp(self.log_weights + each), x, columns)

    def log_cell(
        self,
        x: State,
        width: tuple[Float[Array, "..."] | None, ...] | None,
        columns: Bool[Array, " D"] | None = None,
    ) -> Float[Array, " D"]:
        """Log-mass of the data cells of the given widths around `x`, nats, in even shares."""
        each = jax.vmap(lambda p: p.log_cell_of_row(x, width, columns))(self.components)
        return _shared(jax.nn.logsumexp(self.log_weights + each), x, columns)

    def given(self, gains: Float[Array, " C"]) -> tuple["Mixture", Float[Array, ""]]:
        """The mixture with log-weights grown by `gains`, and the logarithm of the mass Z: times a
        factorised r whose components are already those of the result.

        Args:
            gains: log m_k, log-mass of r under each component, `[C]` nats.
        """
        joint = self.log_weights + gains
        log_z = jax.nn.logsumexp(joint)
        return Mixture(jax.nn.log_softmax(joint), self.components), log_z

    def observe(self, x: State, columns: Bool[Array, " D"]) -> tuple["Mixture", Float[Array, ""]]:
        """The mixture given the cells of `x` that `columns` flags, for the other columns, and the
        log-probability of these cells, nats.
        """
        return self.given(jax.vmap(lambda p: p.log_prob_of_row(x, columns))(self.components))


def _shared(total: Float[Array, ""], x: State, columns: Bool[Array, " D"] | None) -> Array:
    """A sum in even shares of the columns that count, `[D]`."""
    counted = jnp.ones(sum(part.shape[0] for part in x)) if columns is None else columns
    counted = counted.astype(total.dtype)
    return total * counted / jnp.maximum(jnp.sum(counted), 1.0)


def divergence(
    q: Product, p: Product | Mixture, columns: Bool[Array, " D"], *, key: Key, groups: int = 16
) -> Float[Array, " D"]:
    r"""KL(q || p) of the flagged columns, nats per column: exact for a product p, an unbiased draw
    for a mixture, in even shares.

    With x from q and any weights c_k that sum to 1 and do not know x,

        KL(q || p) = sum_k c_k KL(q || p_k) - E_q [ log sum_k w_k p_k(x) - sum_k c_k log p_k(x) ].

    Only the bracket is drawn. With c_k ~ w_k exp(-KL(q || p_k)) it hardly varies where one
    component is right, and is log w_k = 0 for a single one. Of a `RandomSubset` it is the mean over
    groups that the candidates are dealt to, each the subset that is replaced: every candidate
    counts.

    Args:
        q: product that x is drawn from.
        p: distribution of the same columns.
        columns: flags of the columns that count; the others are summed out.
        key: random key of the draw.
        groups: number of groups, at most (default 16).
    """
    if isinstance(p, Product):
        return q.kl(p, columns)
    ends = list(accumulate(part.n_columns for part in q.parts))
    flags = jnp.split(columns, ends[:-1])
    dealt, shares = _deal(q, groups, key)

    def of_component(part: Product) -> tuple[Array, Array]:
        kl, log_p = jnp.zeros(()), jnp.zeros(shares.shape)
        for mine, theirs, drawn, flag in zip(q.parts, part.parts, dealt, flags, strict=True):
            kl = kl + jnp.sum(jnp.where(flag, mine.kl(theirs), 0.0))
            log_p = log_p + _log_prob_dealt(mine, theirs, drawn, flag)
        return kl, log_p

    kl, log_p = jax.vmap(of_component)(p.components)
    c = jax.lax.stop_gradient(jax.nn.softmax(p.log_weights - kl))
    bracket = jax.nn.logsumexp(p.log_weights[:, None] + log_p, axis=0) - c @ log_p
    counted = columns.astype(kl.dtype)
    return (c @ kl - shares @ bracket) * counted / jnp.maximum(jnp.sum(counted), 1.0)


def _deal(q: Product, groups: int, key: Key) -> tuple[tuple[Array, ...], Float[Array, " G"]]:
    """Draws of the blocks of q: one of each, but of a subset the groups `[G, D]` of columns; and
    the share of each group in a mean. Several blocks of subsets share their number of groups.
    """
    keys = jax.random.split(key, len(q.parts))
    subsets = [part for part in q.parts if isinstance(part, RandomSubset) and _is_certain(part)]
    hands = [jnp.sum(part.candidates) // jnp.maximum(part.count, 1) for part in subsets]
    n = min(groups, max((part.n_columns for part in subsets), default=1))
    whole = jnp.clip(jnp.min(jnp.stack([*hands, jnp.asarray(n)])), 1, n)
    number = jnp.arange(n)
    drawn = tuple(
        _groups(part, number, key=k)
        if isinstance(part, RandomSubset) and _is_certain(part)
        else part.sample(key=k)
        for part, k in zip(q.parts, keys, strict=True)
    )
    return drawn, jnp.where(number < whole, 1.0 / whole.astype(jnp.float32), 0.0)


def _is_certain(part: RandomSubset) -> bool:
    """Whether the values that replace others are given, as a bridge has them."""
    return not isinstance(part.values, AbstractDistribution)


def _groups(part: RandomSubset, number: Array, *, key: Key) -> Float[Array, "G D"]:
    """The candidates in random order, dealt in hands of `count`."""
    order = ranks(jnp.where(part.candidates, jax.random.uniform(key, part.candidates.shape), 2.0))
    hand = jnp.where(part.candidates, order // jnp.maximum(part.count, 1), -1)
    return ((hand[None, :] == number[:, None]) & (part.count > 0)).astype(jnp.float32)


def _log_prob_dealt(
    q: AbstractDistribution, p: AbstractDistribution, drawn: Array, flags: Array
) -> Float[Array, " G"] | Float[Array, ""]:
    """log p of what was dealt, but for what is the same in all components."""
    if isinstance(q, RandomSubset) and isinstance(p, RandomSubset) and _is_certain(q):
        return drawn @ jnp.where(flags, p.log_value(jnp.asarray(q.values)), 0.0)
    return jnp.sum(jnp.where(flags, p.log_prob(drawn), 0.0))


def entropy(p: Product | Mixture, columns: Bool[Array, " D"], *, key: Key) -> Float[Array, " D"]:
    """The entropy of the flagged columns, nats per column: exact for a product, -log p of a draw
    for a mixture.

    Args:
        p: distribution of a row.
        columns: flags of the columns that count; the others are summed out.
        key: random key of the draw.
    """
    if isinstance(p, Product):
        return jnp.where(columns, p.entropy(), 0.0)
    return -p.log_prob(p.sample(key=key), columns)

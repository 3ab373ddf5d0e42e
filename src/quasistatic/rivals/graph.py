"""Which bits of a row interact: a graph, without loops and double edges."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from quasistatic.errors import SettingError

__all__ = ["Graph", "complete", "graph_of", "lattice"]


@dataclass(frozen=True)
class Graph:
    """D sites and E edges between them.

    Args:
        sites: number of sites D, counted from 0.
        edges: pairs (i, j) with i < j, sorted, each once; `graph_of` makes them so.
    """

    sites: int
    edges: tuple[tuple[int, int], ...]

    @cached_property
    def ends(self) -> np.ndarray:
        """The two sites of every edge, int `[E, 2]`."""
        return np.array(self.edges, np.int32).reshape(-1, 2)

    @cached_property
    def bandwidth(self) -> int:
        """The largest j - i of an edge, at least 1: how many earlier sites a site can touch."""
        return int(max([j - i for i, j in self.edges], default=1))

    @cached_property
    def colours(self) -> np.ndarray:
        """Sites in groups without edges inside, bool `[colours, D]`, greedily from site 0: a group
        can be drawn, or updated, at once. Two groups for a lattice, D for the complete graph.
        """
        of_site = np.full(self.sites, -1)
        neighbours: list[list[int]] = [[] for _ in range(self.sites)]
        for i, j in self.edges:
            neighbours[i].append(j)
            neighbours[j].append(i)
        for site in range(self.sites):
            taken = {of_site[other] for other in neighbours[site]}
            of_site[site] = next(c for c in range(self.sites) if c not in taken)
        return of_site == np.arange(of_site.max() + 1)[:, None]


def graph_of(sites: int, edges: Iterable[Iterable[int]]) -> Graph:
    """The graph of edges in any order and direction.

    Args:
        sites: number of sites D.
        edges: pairs of different sites, each in 0..D-1; repeated ones count once.

    Raises:
        SettingError: an edge of other than two sites, a loop, or a site that there is not.

    Example:
        >>> graph_of(3, [(2, 1), (0, 1)]).edges
        ((0, 1), (1, 2))
    """
    pairs = sorted({tuple(sorted(int(site) for site in edge)) for edge in edges})
    for pair in pairs:
        if len(set(pair)) != 2 or min(pair) < 0 or max(pair) >= sites:
            raise SettingError(
                f"{pair} is no edge between two of {sites} sites",
                fix=f"give pairs of different column numbers from 0 to {sites - 1}",
            )
    return Graph(sites, tuple((i, j) for i, j in pairs))


def complete(sites: int) -> Graph:
    """Every site touches every other: D (D - 1) / 2 edges."""
    return graph_of(sites, ((i, j) for i in range(sites) for j in range(i)))


def lattice(rows: int, columns: int) -> Graph:
    """The square lattice with open borders, site = row * columns + column.

    Example:
        >>> lattice(2, 2).edges
        ((0, 1), (0, 2), (1, 3), (2, 3))
    """
    site = np.arange(rows * columns).reshape(rows, columns)
    across = np.stack([site[:, :-1].ravel(), site[:, 1:].ravel()], axis=1)
    down = np.stack([site[:-1].ravel(), site[1:].ravel()], axis=1)
    return graph_of(rows * columns, np.concatenate([across, down]).tolist())

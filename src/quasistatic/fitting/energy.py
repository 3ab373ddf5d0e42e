"""From a table of bits to a fitted energy."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from quasistatic.cache import enable_compilation_cache
from quasistatic.compiled import require_own_process
from quasistatic.data.codec import check_columns
from quasistatic.data.fingerprint import fingerprint
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.schema import Schema
from quasistatic.data.table import Table
from quasistatic.errors import SettingError
from quasistatic.fitted.energy import FittedEnergy, bits_of, check_bits
from quasistatic.rivals.energy import starting_bias
from quasistatic.rivals.graph import Graph, complete, graph_of, lattice
from quasistatic.rivals.methods import METHODS, learn, starting_energy
from quasistatic.rivals.normaliser import normaliser_of

__all__ = ["EnergySettings", "GraphSetting", "fit_energy", "graph_for"]

GraphSetting = str | tuple[int, int] | Iterable[tuple[int, int]] | None
"""None or "complete"; (rows, columns) of a lattice, or "10x10"; or edges."""

_L2 = 1e-4
"""Enough that constant or copied columns have a finite fit, too little to be seen otherwise."""


@dataclass(frozen=True)
class EnergySettings:
    """The parameters of `EnergyDensity`, which describes them.

    Args:
        seed: seed of chains, batches, weights and annealing (default 0).
    """

    energy: str = "boltzmann"
    method: str = "mpf"
    graph: GraphSetting = None
    hidden: int = 16
    l1: float | None = None
    l2: float | None = None
    k: int | None = None
    updates: int | None = None
    normaliser: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("hidden", "k", "updates"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int | np.integer) or value < 1):
                raise SettingError(f"{name} = {value!r} must be a whole number, at least 1")
        for name in ("l1", "l2"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < np.inf:
                raise SettingError(f"{name} = {value!r} must be a number, not negative")


def fit_energy(table: Table, schema: Schema, settings: EnergySettings) -> FittedEnergy:
    """The energy that the method learns of all rows, and its normaliser.

    Args:
        table: table of the rows to fit.
        schema: schema of the columns, all of them binary.
        settings: settings of energy and method.

    Raises:
        SchemaError: a column that is not binary.
        DataError: a missing cell.
        SettingError: settings that do not go together, or a graph that is not the table's.
    """
    require_own_process()
    enable_compilation_cache()
    check_columns(table, schema)
    check_bits(schema)
    codec = fit_codec(table, schema)
    rows = bits_of(codec, table)
    graph = graph_for(settings.graph, rows.shape[1])
    start = starting_energy(settings.energy, rows, graph, settings.hidden, settings.seed)
    given = {name: getattr(settings, name) for name in ("l1", "l2", "k", "updates")}
    takes = METHODS[settings.method].settings if settings.method in METHODS else frozenset()
    if "l1" in takes and settings.l2 is None:
        given["l2"] = _L2
    found = learn(
        settings.energy,
        settings.method,
        start,
        rows,
        **given,
        seed=settings.seed if "seed" in takes else None,
    )
    bias = np.asarray(starting_bias(rows.mean(axis=0), len(rows)))
    normaliser = normaliser_of(found.energy, bias, settings.normaliser, settings.seed)
    stored: dict[str, Any] = {
        "energy": settings.energy,
        "method": settings.method,
        "columns": int(rows.shape[1]),
    }
    if settings.energy == "boltzmann":
        stored["edges"] = [list(edge) for edge in graph.edges]
    else:
        stored["hidden"] = settings.hidden
    record = {
        "data": {
            "fingerprint": fingerprint(table),
            "rows": len(table),
            "columns": len(schema.names),
        },
        "seed": settings.seed,
        "told": dict(found.told),
        "normaliser": normaliser.to_json(),
        "starting_bias": bias.tolist(),
    }
    return FittedEnergy(found.energy, codec, normaliser, stored, record)


def graph_for(wanted: GraphSetting, columns: int) -> Graph:
    """The graph of a setting, for a table of so many columns.

    Args:
        wanted: None or "complete"; (rows, columns) or "10x10" of a lattice; or pairs of column
            numbers, counted from 0.
        columns: number of columns.

    Raises:
        SettingError: no graph of so many columns.

    Example:
        >>> graph_for("2x3", 6).edges[:3], len(graph_for(None, 4).edges)
        (((0, 1), (0, 3), (1, 2)), 6)
    """
    if wanted is None or wanted == "complete":
        return complete(columns)
    shape = wanted.split("x") if isinstance(wanted, str) else wanted
    try:
        parts: list[Any] = list(shape)
        if len(parts) == 2 and not any(isinstance(part, list | tuple) for part in parts):
            height, width = (int(part) for part in parts)
            if height * width == columns:
                return lattice(height, width)
            what = f"a lattice of {height} x {width} sites"
            fix = f"give rows and columns whose product is {columns}"
            raise SettingError(f"{what} is not the table's: it has {columns} columns", fix=fix)
        return graph_of(columns, parts)
    except (TypeError, ValueError) as error:
        if isinstance(error, SettingError):
            raise
        raise SettingError(
            f"graph = {wanted!r} is no graph",
            fix='give "complete", a lattice such as "10x10", or pairs of column numbers',
        ) from error

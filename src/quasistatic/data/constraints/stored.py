"""The JSON of combinations and of limits: the types of its parts, and whether they fit a schema."""

from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

from quasistatic.data.schema import Schema
from quasistatic.records import Misfit, Within, check

__all__ = ["check_combinations", "check_free", "check_room"]


class _CombinationJson(TypedDict):
    """`Combination` in JSON."""

    members: list[str]
    states: list[list[float | None]]
    labels: list[str]
    free: str
    text: str


def check_combinations(data: Any, schema: Schema) -> None:
    """Refuse JSON that is none of combinations of the columns of a schema.

    Args:
        data: data in JSON types.
        schema: schema of the table.

    Raises:
        Misfit: naming what is not as it is declared, or does not fit.
    """
    check(list[_CombinationJson], data)
    for item in data:
        members, states = item["members"], item["states"]
        if not members or set(members) - set(schema.names):
            raise Misfit(f"combinations of {members!r}, which are no columns")
        if not states or len(set(item["labels"])) != len(states):
            raise Misfit(f"{len(states)} combinations, and not as many labels")
        if any(len(state) != len(members) for state in states):
            raise Misfit("a combination has not as many cells as there are columns")
        for j, name in enumerate(members):
            column = schema.column(name)
            most = len(column.categories) if column.is_discrete else None
            for state in states:
                value = state[j]
                if most is not None and value is not None and value not in range(most):
                    raise Misfit(f"combination {value!r} of {name!r} is no category")


class _RoomJson(TypedDict):
    """Limits that the free columns may break, in JSON."""

    columns: list[str]
    log_share: Annotated[float, Within(-100.0, 1e-9)]


def check_room(data: Any, pivots: Sequence[str]) -> None:
    """Refuse JSON that is none of the limits of tied columns.

    Args:
        data: data in JSON types.
        pivots: columns that are tied to others.

    Raises:
        Misfit: naming what is not as it is declared, or a column that is not tied.
    """
    check(_RoomJson, data)
    if strange := set(data["columns"]) - set(pivots):
        raise Misfit(f"limits of {sorted(strange)!r}, which are no tied columns")


def check_free(ties: Any, free: Schema) -> None:
    """Refuse a schema of free columns that are not those of the ties.

    Args:
        ties: ties of a table.
        free: schema of the free columns.

    Raises:
        Misfit: other columns.
    """
    names = tuple(name for name in ties.places.values() if name is not None)
    if free.names != names:
        raise Misfit(f"free columns {list(free.names)!r}, not {list(names)!r}")

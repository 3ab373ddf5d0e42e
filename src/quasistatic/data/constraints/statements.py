"""What the constraints of a schema say, and which combinations of columns go together."""

from collections.abc import Sequence

from quasistatic.data.constraints.language import Combinations, Statement, parse
from quasistatic.data.constraints.moments import units_of
from quasistatic.data.schema import Schema

__all__ = ["grouped", "statements_of"]


def statements_of(schema: Schema) -> tuple[Statement, ...]:
    """What the constraints of a schema say; of an identifier, which is not modelled, it can be
    said that it is unique.

    Args:
        schema: schema of a table.
    """
    every = (*schema.names, *(item.name for item in schema.left_out))
    units = units_of(schema)
    return tuple(
        one
        for text in schema.constraints
        for one in parse(text, every if text.startswith("unique ") else schema.names, units)
    )


def grouped(statements: Sequence[Combinations]) -> list[Combinations]:
    """Combinations that share a column as one, its keys those that nothing determines.

    Args:
        statements: combinations as they were written.
    """
    groups: list[list[Combinations]] = []
    for one in statements:
        near = [g for g in groups if any(set(one.members) & set(o.members) for o in g)]
        groups = [g for g in groups if g not in near]
        groups.append([*(o for g in near for o in g), one])
    found = []
    for group in groups:
        members = tuple(dict.fromkeys(name for one in group for name in one.members))
        made = {name for one in group for name in one.members if name not in one.keys}
        keys = tuple(name for name in members if name not in made) or members
        rest = tuple(name for name in members if name not in keys)
        text = " and ".join(one.text for one in group)
        found.append(Combinations(keys, keys + rest, text))
    return found

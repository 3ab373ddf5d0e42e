"""Schema files, whole and partial, and a table that they are about."""

import random
from pathlib import Path
from typing import Any

from attack.mutation import nonsense
from attack.readers import go_through, outcome_of
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.files import read_table
from quasistatic.data.table import Table

CSV = b"x,n,c,d,t,s\n" + b"".join(
    b"%.1f,%d,%s,2020-01-%02d,%02d:30,%.3f\n"
    % (i * 0.5, i % 7, b"abc"[i % 3 : i % 3 + 1], i + 1, i % 24, (i * 7919 % 1000) / 1000 + i % 5)
    for i in range(28)
)
PARTIAL = {
    "columns": {
        "x": {
            "kind": "continuous",
            "step": 0.5,
            "offset": 0,
            "lower": 0,
            "upper": 20,
            "atoms": [0],
        },
        "n": {"kind": "integer", "step": 1, "atoms": [0, 1]},
        "c": {"kind": "categorical", "categories": ["a", "b", "c"], "missing": ["-"]},
        "d": {"kind": "datetime", "format": "%Y-%m-%d", "lower": "2020-01-01", "pivot": 30},
        "t": {"kind": "time"},
        "s": {"kind": "ignore", "decimal": ".", "thousands": ","},
    }
}


def read(folder: Path) -> tuple[Table, dict[str, Any]]:
    """The table, and its whole schema."""
    (folder / "t.csv").write_bytes(CSV)
    table = read_table(folder / "t.csv")
    return table, infer_schema(table).to_json()


def outcome(table: Table, overrides: Any) -> str:
    """What becomes of a schema: "used", "refused", or the end of a traceback."""
    return outcome_of(lambda: go_through(table, overrides))


def spoiled(whole: dict[str, Any], rng: random.Random) -> Any:
    """A schema that makes no sense."""
    return nonsense(rng.choice((whole, PARTIAL, PARTIAL)), rng)

"""Inputs out of good ones, by small changes; the same ones for the same seed."""

import copy
import json
import random
from typing import Any

WORDS = (
    *(
        b'"',
        b'""',
        b",",
        b";",
        b"\t",
        b"|",
        b"\n",
        b"\r",
        b"\r\n",
        b"\0",
        b"\x1a",
        b"\xff",
        b"\xfe",
    ),
    *(
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"#",
        b"=",
    ),
    *(b"NaN", b"inf", b"-inf", b"1e999", b"1e-320", b"-0", b"1_0", b"0x10", b"1,5", b"1.234,5"),
    *(b"9" * 19, b"9" * 40, b"2020-02-30", b"31/12/99", b"25:61", b"null", b"true", b"None"),
    *(
        b"\xe2\x80\xae",
        b"\x1b[2J",
        b"sep=;\n",
        b"[" * 900,
        b'{"a":' * 900,
        b" ",
        b"%",
        b"$",
        b"(1)",
    ),
)
"""Pieces of text on which readers stumble."""
NUMBERS = (0, -1, 1, 2**31, -(2**63), 2**63, 2**64, 10**400, 1e308, -1e308, 1e-320, 0.5, -0.0)
VALUES: tuple[Any, ...] = (
    *NUMBERS,
    *(
        float("nan"),
        float("inf"),
        float("-inf"),
        None,
        True,
        False,
        "",
        "x",
        "\ud800",
        "1",
        "\x1b[",
    ),
    *([], {}, [[]], [None], {"": None}, ["a", "a"], [1e300, -1e300], [float("nan")], "Float64"),
)
"""Values that a JSON file may hold in place of any other."""


def mutated(data: bytes, rng: random.Random, others: tuple[bytes, ...] = ()) -> bytes:
    """Bytes with one to six changes.

    Args:
        data: bytes to change.
        rng: generator of the changes.
        others: inputs that pieces are taken from (default none).
    """
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 6))):
        place = rng.randrange(len(out) + 1)
        match rng.randrange(9):
            case 0 if out:
                out[min(place, len(out) - 1)] ^= 1 << rng.randrange(8)
            case 1 if out:
                out[min(place, len(out) - 1)] = rng.choice((0, 1, 127, 128, 255))
            case 2:
                del out[place : place + rng.choice((1, 1, 2, 8, 64))]
            case 3:
                piece = out[place : place + rng.choice((1, 8, 64))]
                out[place:place] = piece * rng.choice((1, 2, 30))
            case 4 | 5 | 6:
                out[place:place] = rng.choice(WORDS)
            case 7:
                del out[place:]
            case _ if others:
                other = rng.choice(others)
                cut = rng.randrange(len(other) + 1)
                out[place : place + 64] = other[cut : cut + 64]
            case _:
                out[place:place] = bytes(rng.randrange(256) for _ in range(4))
    return bytes(out)


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all values within nested lists and dicts."""
    items = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    return [path, *(place for key, value in items for place in places(value, (*path, key)))]


def nonsense(data: Any, rng: random.Random) -> Any:
    """JSON data with one to three values, keys or elements that make no sense.

    Args:
        data: nested data in JSON types; it stays as it is.
        rng: generator of the changes.
    """
    data = copy.deepcopy(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        path = rng.choice(places(data)[1:] or [()])
        if not path:
            return rng.choice(VALUES)
        *above, key = path
        parent = data
        for step in above:
            parent = parent[step]
        value = parent[key]
        match rng.randrange(8):
            case 0:
                del parent[key]
            case 1 if isinstance(parent, dict):
                parent[rng.choice(("x", "", "name", "kind", key + " "))] = copy.deepcopy(value)
            case 2 if isinstance(value, list):
                parent[key] = value * rng.choice((0, 2, 3))
            case 3 if isinstance(value, int | float) and not isinstance(value, bool):
                parent[key] = rng.choice((-value, value + 1, value * 10**6, str(value), [value]))
            case 4:
                parent[key] = deep(rng.choice((40, 5000)))
                return data
            case _:
                parent[key] = copy.deepcopy(rng.choice(VALUES))
    return data


def deep(levels: int) -> Any:
    """A list of lists of lists."""
    found: Any = []
    for _ in range(levels):
        found = [found]
    return found


def as_json(data: Any) -> bytes:
    """Data as JSON, however deep, NaN and lone surrogates included."""
    try:
        return json.dumps(data).encode()
    except RecursionError:
        return json.dumps(_shallow(data)).replace('"DEEP"', "[" * 50_000 + "]" * 50_000).encode()


def _shallow(data: Any, level: int = 0) -> Any:
    if level > 100:
        return "DEEP"
    if isinstance(data, dict):
        return {key: _shallow(value, level + 1) for key, value in data.items()}
    return [_shallow(value, level + 1) for value in data] if isinstance(data, list) else data

"""What a person writes behind `--given` and `--where`, and what becomes of it."""

import random
from typing import Any

from attack.readers import outcome_of
from quasistatic.data.constraints.tied import with_constraints
from quasistatic.data.table import Table
from quasistatic.fitted.given import read_given

PIECES = (
    *("body_mass_g", "flipper_length_mm", "bill_length_mm", "species", "sex", "year", "`year`"),
    *("x", "n", "c", "d", "t", "s", "=", "<", "<=", ">", ">=", "==", "|", "+", "-", "*", "/", "("),
    *(")", ",", " ", " ", "determines", "determine", "combinations of", "in steps of", "from"),
    *("0", "1", "2", "20", "4000", "-1", "1e999", "nan", "inf", "1e-320", "9" * 400, "0x1", "2007"),
    *(
        "Adelie",
        "Gentoo",
        "a",
        "b",
        "2020-01-05",
        "10:30",
        "\x1b[2J",
        "\ud800",
        "\0",
        "٣",
        "½",
        "`",
    ),
)
GIVEN = ("species=Gentoo", "sex=a|b", "3000<=body_mass_g<4000", "year=2007", "body_mass_g>-1")
WHERE = ("x <= s + 100", "c determines d", "combinations of c, n", "x in steps of 0.5", "n >= 0")


def sentence(good: tuple[str, ...], rng: random.Random) -> str:
    """A condition or constraint, right or wrong.

    Args:
        good: right ones.
        rng: generator of the changes.
    """
    if rng.random() < 0.5:
        return "".join(rng.choices(PIECES, k=rng.randint(1, 9)))
    text = rng.choice(good)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(text) + 1)
        text = text[:place] + rng.choice(PIECES) + text[place + rng.choice((0, 0, 1, 5)) :]
    return text


def outcome_given(density: Any, texts: list[str]) -> str:
    """What becomes of `--given`: "used", "refused", or the end of a traceback."""
    from quasistatic.fitted.conditions import read_condition

    codec = density.fitted_.codec
    discrete = [c.name for c in codec.schema.columns if c.is_discrete]

    def read() -> None:
        read_condition(codec, read_given(texts, discrete, codec.schema.names))

    return outcome_of(read)


def outcome_where(table: Table, schemas: Any, texts: list[str]) -> str:
    """What becomes of `--where`: "used", "refused", or the end of a traceback."""
    return outcome_of(lambda: with_constraints(table, schemas, texts))

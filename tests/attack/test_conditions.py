"""What is written behind `--given` and `--where` is understood, or refused with one clear error."""

import random
from collections import Counter
from pathlib import Path

from attack.conditions import GIVEN, WHERE, outcome_given, outcome_where, sentence
from attack.schemas import read
from quasistatic.data.columns.alternatives import infer_schemas
from quasistatic.estimator.loading import load

GOLDEN = Path(__file__).parents[1] / "golden" / "mixed"
TRIES = 400


def test_conditions():
    density, rng = load(GOLDEN), random.Random(0)
    found = Counter(outcome_given(density, [sentence(GIVEN, rng)]) for _ in range(TRIES))
    assert set(found) == {"used", "refused"}
    assert [outcome_given(density, [text]) for text in GIVEN if "a|b" not in text] == ["used"] * 4


def test_constraints(tmp_path):
    table, rng = read(tmp_path)[0], random.Random(0)
    schemas = infer_schemas(table, None)
    found = Counter(outcome_where(table, schemas, [sentence(WHERE, rng)]) for _ in range(TRIES))
    assert set(found) <= {"used", "refused"}
    assert outcome_where(table, schemas, [WHERE[0]]) == "used"
    for text in (
        "x <= s + 1e99",
        "x, n in steps of 1",
        "x in steps of 1e-320",
        "x <= " + "9" * 400,
    ):
        assert outcome_where(table, schemas, [text]) == "refused"

"""A schema file is used as it stands, or refused with one clear error."""

import json
import random
from collections import Counter

import pytest

from attack.mutation import deep
from attack.schemas import PARTIAL, outcome, read, spoiled
from quasistatic.cli.fitting import _read_json
from quasistatic.data.columns.infer import infer_schema
from quasistatic.errors import SchemaError

TRIES = 250


def test_nonsense_in_schemas(tmp_path):
    (table, whole), rng, found = read(tmp_path), random.Random(0), Counter()
    for _ in range(TRIES):
        found[outcome(table, spoiled(whole, rng))] += 1
    assert set(found) == {"used", "refused"}
    assert found["used"] > TRIES / 20


def test_what_makes_sense_is_used(tmp_path):
    table, whole = read(tmp_path)
    assert outcome(table, whole) == outcome(table, PARTIAL) == "used"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "categorical", "categories": ["a", ["b"]]}, r"categories\[1\] = \['b'\] is no"),
        ({"kind": "categorical", "categories": ["a", "a"]}, "two of its categories are the same"),
        ({"step": 1e-320}, "step = 1e-320 is not between"),
        ({"step": 1.0, "offset": 10**400}, "offset = 1000.* is no number"),
        ({"step": 1e-280, "offset": 1e200}, "no lattice has step"),
        ({"atoms": [float("nan")]}, r"atoms\[0\] = nan is no"),
        ({"atoms": deep(3000)}, r"atoms\[0\] = .* is no"),
        ({"lower": 2, "upper": 1}, "its limits are empty: 2 to 1"),
        ({"lower": "low"}, "'low' is no number"),
    ],
)
def test_settings_are_held_to_their_declaration(tmp_path, settings, words):
    table, _ = read(tmp_path)
    with pytest.raises(SchemaError, match=words) as caught:
        infer_schema(table, {"columns": {"x": settings}})
    assert "column 'x'" in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(("name", "value"), [("offset", 2**63), ("step", 2**65)])
def test_times_that_no_calendar_has(tmp_path, name, value):
    table, _ = read(tmp_path)
    settings = {"kind": "datetime", "step": 1, "offset": 0} | {name: value}
    with pytest.raises(SchemaError, match=rf"{name} = \d+ is (beyond|longer than) all times"):
        infer_schema(table, {"columns": {"d": settings}})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 100_000, "levels"),
        (b'{"columns": ' + json.dumps(deep(50)).encode() + b"}", "levels"),
        (b'{"columns": {"x": {"step": NaN}}}', "NaN is no number"),
        (b'{"columns": {"x": {"step": 1e999}}}', "too large"),
        (b'{"columns": {"\\ud800": {}}}', "half of a character"),
        (b'{"columns": {"x": {"step": ' + b"9" * 5000 + b"}}}", "a number without end"),
        (b"\xff", "byte 1 is no UTF-8"),
    ],
)
def test_files_of_schemas_are_plain(tmp_path, content, words):
    (tmp_path / "s.json").write_bytes(content)
    with pytest.raises(SchemaError, match=words) as caught:
        _read_json(str(tmp_path / "s.json"))
    assert caught.value.fix
    (tmp_path / "link").symlink_to("/dev/zero")
    with pytest.raises(SchemaError, match="no ordinary file"):
        _read_json(str(tmp_path / "link"))

"""Names, categories and paths cannot act upon a terminal."""

import json
import sys

import polars as pl
import pytest
from typer.testing import CliRunner

from quasistatic.cli.app import app
from quasistatic.cli.failure import say
from quasistatic.cli.legible import legible, legible_json
from quasistatic.cli.rows import write_rows
from quasistatic.cli.screen import Screen

EVIL = "\x1b]0;owned\x07\x1b[2J\r\u202egpj.exe\x9b31m\u2028\x7f\x00"
ACTS = [chr(c) for c in (*range(32), *range(127, 160), 0x202E, 0x2066, 0x2028, 0x2029, 0xFEFF)]
ACTS = [c for c in ACTS if c not in "\n\t"]


def acts(text):
    return [c for c in ACTS if c in text]


@pytest.mark.parametrize("character", ACTS)
def test_every_such_character_is_escaped(character):
    shown = legible(f"a{character}b")
    assert shown.isprintable()
    assert shown.startswith("a\\")
    text = json.dumps({"a": character}, ensure_ascii=False)
    assert not acts(legible_json(text))
    assert json.loads(legible_json(text)) == {"a": character}


def test_writing_of_all_peoples_stays():
    for text in ("Größe", "می‌خواهم", "नमस्ते", "日本語", "👩‍🔬", "a\nb\tc"):
        assert legible(text) == text
    assert legible("half \udcff") == "half \\udcff"


def test_whatever_is_printed_is_legible(capsys):
    for screen in (Screen(), Screen(as_json=True), Screen(rows_on_stdout=True), Screen(quiet=True)):
        screen.tell(EVIL)
        screen.result(EVIL)
        screen.warn(EVIL)
        screen.notes([EVIL])
        screen.table(EVIL, [EVIL, "b\nc"], [[EVIL, "1"], ["d\ne", None]])
        screen.json({EVIL: EVIL})
    say(EVIL)
    for text in capsys.readouterr():
        assert "owned" in text
        assert not acts(text)


def test_rows_on_a_terminal_are_legible_and_elsewhere_as_they_are(capsys, monkeypatch):
    frame = pl.DataFrame({EVIL: ["x", EVIL]})
    write_rows(frame, "-", force=False)
    assert EVIL in capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    write_rows(frame, "-", force=False)
    assert not [c for c in acts(capsys.readouterr().out) if c != "\r"]


@pytest.mark.parametrize(
    "arguments",
    [
        [EVIL],
        [f"--{EVIL}"],
        ["fit", "t.csv", f"--{EVIL}"],
        ["fit", "t.csv", f"--wid{EVIL}"],
        ["fit", "t.csv", "--width", EVIL],
        ["fit", "t.csv", "--model", EVIL],
        ["fit", "t.csv", EVIL, EVIL],
        ["inspect", EVIL],
    ],
    ids=range(8),
)
def test_wrong_usage_is_legible(arguments):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert done.output
    assert not acts(done.output)

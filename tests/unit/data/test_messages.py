"""What a person reads when something is wrong with a file or a schema, word for word.

After a message has been changed on purpose, `python tests/unit/data/test_messages.py` writes
`messages.md` anew: read the difference as the person will who meets it.
"""

import gzip
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest

from quasistatic.cli.denoise import read_sigma
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.files import read_table
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.output import check_output, write_table
from quasistatic.data.reading import read_as
from quasistatic.errors import QuasistaticError
from quasistatic.fitted.given import read_given

PAGE = Path(__file__).with_name("messages.md")
X = "".join(f"{i},{i * 7 % 11 / 4},{'uvw'[i % 3]}\n" for i in range(30))
ABC = "a,b,c\n" + X
CELLS = np.random.default_rng(0).normal(size=30)


def column(*cells, other="1.5"):
    return "a,b\n" + "".join(f"{cells[i % len(cells)]},{CELLS[i]:.3f}\n" for i in range(30))


def words(*cells, separator):
    rows = (f"{cells[i % len(cells)]}{separator}{'uvw'[i % 3]}\n" for i in range(30))
    return f"a{separator}b\n" + "".join(rows)


def of(**settings):
    return {"columns": {"a": settings}}


FILES = {
    "no such file": ("none.csv", None),
    "a folder": (".", None),
    "another ending": ("t.docx", b"PK"),
    "a packed ending": ("t.parquet.gz", b"PK"),
    "an empty file": ("t.csv", b""),
    "blank lines alone": ("t.csv", b"\n\n"),
    "a header alone": ("t.csv", b"a,b\n"),
    "a short line": ("t.csv", b"a,b\n1,2\n3\n"),
    "a long line": ("t.csv", b"a,b\n1,2\n3,4,5\n"),
    "a title above the header": ("t.csv", b"Sales\n2020,5,7\n2021,6,8\n"),
    "a quotation mark that is not closed": ("t.csv", b'a,b\n1,2\n"3,4\n5,6\n'),
    "a quotation mark in the header": ("t.csv", b'a,"b\n1,2\n'),
    "Latin 1": ("t.csv", "a,b\nZoë,1\n".encode("latin-1")),
    "half of UTF-16": ("t.csv", b"\xff\xfea"),
    "a zero byte": ("t.csv", b"a,b\n1,\x002\n"),
    "two names alike": ("t.csv", b"a,b,a\n1,2,3\n"),
    "a name without end": ("t.csv", b"a," + b"n" * 5000 + b"\n1,2\n3,4\n"),
    "a damaged gzip file": ("t.csv.gz", gzip.compress(ABC.encode())[:50]),
    "a damaged zstandard file": ("t.csv.zst", b"\x28\xb5\x2f\xfd rubbish"),
    "a damaged Parquet file": ("t.parquet", b"PAR1 this is not it"),
    "a damaged Arrow file": ("t.arrow", b"ARROW1 this is not it"),
    "a damaged array": ("t.npy", b"\x93NUMPY rubbish"),
    "a damaged archive": ("t.npz", b"PK\x03\x04 rubbish"),
    "a damaged workbook": ("t.xlsx", b"PK\x03\x04 rubbish"),
    "no JSON": ("t.jsonl", b'{"a": 1}\n{"a": \n'),
    "no JSON object": ("t.jsonl", b'{"a": 1}\n[1]\n'),
    "JSON of many levels": ("t.jsonl", b'{"a": ' + b"[" * 100_000),
    "half a character": ("t.jsonl", b'{"a": "\\ud800"}\n'),
}
SCHEMAS = {
    "one row": ("a,b\n1,2\n", None),
    "infinity": (column("1.5", "inf"), None),
    "too large a number": (column("1.5", "1e308"), None),
    "nothing to model": ("a\n" + "".join(f"u{i * 7919}\n" for i in range(30)), None),
    "every cell missing, and forced": (column(""), of(kind="integer")),
    "day or month": (column("1/2/2020", "3/4/2021"), None),
    "day or month or year": (column("1/2/03", "3/4/05"), None),
    "thousands or decimals": (words("1.121", "999", separator=";"), None),
    "a comma in tabs": (words("1,121", "2,894", separator="\t"), None),
    "another format": (column("1/2/2020"), of(format="%Y-%m-%d")),
    "a format that is none": (column("1/2/2020"), of(format="%Q")),
    "a format without a year": (column("1/2"), of(format="%d/%m")),
    "a pivot that is none": (column("1/2/20"), of(format="%d/%m/%y", pivot=1900)),
    "a decimal mark that is none": (column("1"), of(decimal=";")),
    "one mark for two things": (column("1"), of(decimal=",", thousands=",")),
    "text that is forced to numbers": (column("x", "y"), of(kind="continuous")),
    "text that is forced to dates": (column("x", "y"), of(kind="datetime")),
    "times that are forced to dates": (column("10:30", "11:45"), of(kind="datetime")),
    "halves that are forced to integers": (column("1.5", "2.5"), of(kind="integer")),
    "three values that are forced to two": (column("x", "y", "z"), of(kind="binary")),
    "no columns in the schema": (ABC, {"colums": {}}),
    "a full key too many": (ABC, {"columns": {}, "more": 1}),
    "an unknown column": (ABC, {"columns": {"age": {"kind": "integer"}}}),
    "an unknown kind": (ABC, of(kind="number")),
    "an unknown setting": (ABC, of(knd="integer")),
    "a setting that is no object": (ABC, {"columns": {"a": 5}}),
    "a step below zero": (ABC, of(step=-1)),
    "a step that is no number": (ABC, of(step="x")),
    "categories that are no list": (ABC, of(categories="x")),
    "categories of lists": (ABC, of(categories=[["x"]])),
    "a lattice that is needed": (ABC, of(kind="integer", step=None)),
}
LEFT_OUT = {
    "an identifier of text": column(*(f"u{i * 7919}" for i in range(30))),
    "an identifier of digits": column(*range(100, 130)).replace("a,", "user_id,", 1),
    "digits that are too long": column(*(f"89440012345678901{i:05d}" for i in range(30))),
    "free text": column(
        *(f"the {i} time it was {i * 37 % 101} metres long and wide" for i in range(30))
    ),
    "a long cell": column("x", "y" * 2000),
    "below a limit of detection": column(*(f"{i}.{i}" for i in range(25)), *["<0.1"] * 5),
    "one date that is none": column(*(f"2020-01-{i + 1:02d}" for i in range(29)), "2020-02-31"),
    "several currencies": column(*(f"{'$€'[i % 2]}{i}" for i in range(30))),
    "no cell": column(""),
}
READ_AS = {
    "a word among numbers": (column("1.5", "2.5"), column("1.5", "many1")),
    "months where days were": (column("1/2/2020", "13/4/2021"), column("1/13/2020", "1/2/2021")),
    "an unknown category": (column("x", "y"), column("x", "zed")),
    "a missing column": (ABC, "a,b\n1,2\n3,4\n"),
    "a column too many": (ABC, "a,b,c,d\n1,2,u,4\n3,4,v,5\n"),
}
OTHERS = {
    "no condition": lambda _: read_given(["age"], [], ["age"]),
    "a condition without a value": lambda _: read_given(["age="], [], ["age"]),
    "a column twice": lambda _: read_given(["age=3", "age=4"], [], ["age"]),
    "two limits on a side": lambda _: read_given(["age>3", "age>4"], [], ["age"]),
    "a sigma without a number": lambda _: read_sigma(["age"]),
    "a sigma of zero": lambda _: read_sigma(["age=0"]),
    "a sigma twice": lambda _: read_sigma(["age=1", "age=2"]),
    "an output of another ending": lambda folder: check_output(folder / "t.docx"),
    "an output in no folder": lambda folder: check_output(folder / "no" / "t.csv"),
    "text in an array": lambda folder: write_table(read_table(text(folder, ABC)), folder / "o.npy"),
}  # fmt: skip


def text(folder, content):
    path = folder / "t.csv"
    path.write_text(content)
    return path


def raised(folder, ask):
    try:
        ask(folder)
    except QuasistaticError as error:
        return str(error)
    return "nothing is wrong"


def read_file(name, content):
    def ask(folder):
        path = folder / name
        if content is not None:
            path.write_bytes(content)
        read_table(path)

    return ask


def read_other(first, second):
    def ask(folder):
        table = read_table(text(folder, first))
        codec = fit_codec(table, infer_schema(table))
        other = read_table(text(folder, second))
        codec.encode(read_as(other, codec.schema))

    return ask


def reason(content):
    def ask(folder):
        schema = infer_schema(read_table(text(folder, content)))
        raise QuasistaticError("; ".join(f"{item.name}: {item.reason}" for item in schema.left_out))

    return ask


ASKED = (
    {name: read_file(*case) for name, case in FILES.items()}
    | {
        name: (lambda folder, c=content, o=overrides: infer_schema(read_table(text(folder, c)), o))
        for name, (content, overrides) in SCHEMAS.items()
    }
    | {name: reason(content) for name, content in LEFT_OUT.items()}
    | {name: read_other(*pair) for name, pair in READ_AS.items()}
    | OTHERS
)


def message(name, folder):
    words = raised(folder, ASKED[name]).replace(f"{folder}/", "").replace(str(folder), "FOLDER")
    # what another library says of the damage is its own
    return re.sub(r"\(.*\)", "(...)", words) if name.startswith("a damaged") else words


def page():
    """The messages of the page, by case."""
    parts = PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
    return {
        name: body.strip().removeprefix("```\n").removesuffix("\n```")
        for name, _, body in (part.partition("\n") for part in parts)
    }


@pytest.mark.parametrize("name", ASKED)
def test_messages(name, tmp_path):
    assert message(name, tmp_path) == page()[name]


def test_there_are_sixty_and_each_says_what_is_wrong():
    assert len(page()) == len(ASKED) >= 60
    assert "nothing is wrong" not in page().values()


if __name__ == "__main__":
    found = {}
    for case in ASKED:
        with tempfile.TemporaryDirectory() as place:
            found[case] = message(case, Path(place))
    body = "\n\n".join(f"## {case}\n\n```\n{words}\n```" for case, words in found.items())
    PAGE.write_text(f"# What a person reads when something is wrong\n\n{body}\n", encoding="utf-8")

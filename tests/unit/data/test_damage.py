"""Damaged and hostile files: one clear error each, never another exception."""

import io
import random
import zipfile

import numpy as np
import polars as pl
import pytest

from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.files import read_table
from quasistatic.data.fingerprint import fingerprint
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.table import from_frame
from quasistatic.errors import QuasistaticError

CELLS = [
    "1",
    "2.5",
    "1/2/20",
    "$5",
    "-",
    "nil",
    "10:30",
    "x",
    "",
    '"1,5"',
    "5%",
    "(3)",
    "2020-01-01",
]
CELLS += ["1e999", "inf", "NaN", "-0", "1e-320", "99999999999999999999", "٣", "½", '"', "\r", "\\"]
JSON = ['{"a": 1}', '{"a": NaN, "b": [1, {"c": 2}]}', '{"a": "x\\ud800"}', "[1]", '{"a": 1e400}']
JSON += ['{"a": 123456789012345678901234567890}', '{"a": true}', '{"a": "2020-01-01"}', "{"]
JSON += ['{"a": {"b": 1}}', '{"a": null}', '{"a": Infinity}', '{"": 1}', '{"a": "5"}']


def go_through(path):
    """Read, model and fingerprint a file, or refuse it in the right way."""
    try:
        table = read_table(path)
        codec = fit_codec(table, infer_schema(table))
        codec.decode(codec.encode(table).rows)
        fingerprint(table)
    except QuasistaticError:
        return False
    return True


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_any_text_is_read_or_refused(tmp_path):
    rng, path = random.Random(0), tmp_path / "t.csv"
    read = 0
    for _ in range(150):
        rows = [",".join(rng.choices(CELLS, k=3)) for _ in range(rng.randint(2, 8))]
        path.write_text("a,b,c\n" + "\n".join(rows) + "\n", newline="")
        read += go_through(path)
        path.write_bytes(bytes(rng.choices(b',";\t|\n\r\\ab10.-:/$% \x1a\xef\xbb\xbf\xc3=', k=40)))
        read += go_through(path)
        lines = tmp_path / "t.jsonl"
        lines.write_text("\n".join(rng.choices(JSON, k=rng.randint(1, 4))))
        read += go_through(lines)
    assert 50 < read < 400  # neither everything nor nothing is refused


def test_any_array_is_read_or_refused(tmp_path):
    rng = random.Random(1)
    for name, save in (("m.npy", np.save), ("m.npz", np.savez_compressed)):
        buffer, read = io.BytesIO(), 0
        save(buffer, np.arange(12.0).reshape(4, 3))
        for _ in range(150):
            data = bytearray(buffer.getvalue())
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(140)] = rng.randrange(256)
            (tmp_path / name).write_bytes(data[: rng.choice([len(data), len(data) // 2])])
            read += go_through(tmp_path / name)
        assert read < 100


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", b"\xff\xfea", "is no UTF-16"),
        ("t.csv", b'a,b\n"x,1\n2,3\n', "line 2: cannot be read as CSV: '\"x' opens a quotation"),
        ("t.csv", b'"a,b\n', "line 1: cannot be read: a quotation mark is opened"),
        ("t.csv", b"\x1a", "the file is empty"),
        ("t.csv", b"sep=;\n", "the file is empty|no rows"),
        ("t.jsonl", b'{"a": ' + b"[" * 100_000, "line 1: the object has too many levels"),
        ("t.jsonl", b'{"a": "\\ud800"}\n', "half of a character"),
        ("t.csv.gz", b"\x1f\x8b rubbish", "no intact .gz file"),
        ("t.csv.zst", b"\x28\xb5\x2f\xfd rubbish", "no intact .zst file"),
    ],
)
def test_damage_is_named(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(QuasistaticError, match=words):
        read_table(tmp_path / name)


def test_an_archive_with_something_else_in_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.npz", "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(QuasistaticError, match=r"'hello.txt' is no array"):
        read_table(tmp_path / "z.npz")


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([b"\xff\xfe", b"", None] * 20),
        pl.Series([1, 2**100, None] * 20, dtype=pl.Int128),
        pl.Series([object(), None, object()] * 20, dtype=pl.Object),
        pl.Series([0.0, 1e-310, 0.5] * 20),
        pl.Series(["1.50", "9" * 35 + ".25", None] * 20).cast(pl.Decimal(38, 2)),
        pl.Series([1, 2, None] * 20).cast(pl.Time),
        pl.Series([1, 2, None] * 20).cast(pl.Duration("ms")),
    ],
    ids=lambda column: str(column.dtype),
)
def test_columns_of_any_type_have_a_fingerprint_and_a_place(column):
    frame = pl.DataFrame({"a": column, "b": np.arange(60.0)})
    table = from_frame(frame)
    schema = infer_schema(table)
    assert {"a", "b"} == {*schema.names, *(item.name for item in schema.left_out)}
    codec = fit_codec(table, schema)
    assert codec.decode(codec.encode(table).rows).height == 60
    other = from_frame(frame.with_columns(a=frame["a"].gather([1, 0, *range(2, 60)])))
    assert fingerprint(table) != fingerprint(other)


def test_arrays_of_years_and_of_characters_that_are_none(tmp_path):
    np.savez(tmp_path / "y.npz", a=np.array(["2020", "2021"] * 9, "M8[Y]"), b=np.arange(18.0))
    assert read_table(tmp_path / "y.npz").frame["a"].dt.year().to_list()[:2] == [2020, 2021]
    np.savez(tmp_path / "u.npz", a=np.array([0x110000] * 3, "<u4").view("<U1"), b=np.arange(3.0))
    with pytest.raises(QuasistaticError, match="column 'x0': its cells cannot be read"):
        read_table(tmp_path / "u.npz")

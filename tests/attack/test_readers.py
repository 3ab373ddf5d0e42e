"""Any bytes are read or refused with one clear error: never a traceback, never for ever."""

import gzip
import io
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from attack.finds import FILES
from attack.mutation import mutated
from attack.readers import outcome, seeds, tally, write
from quasistatic.data.arranged import read_data
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.disk.delimited import raw_pieces
from quasistatic.data.files import read_table
from quasistatic.data.images.files import read_npy
from quasistatic.data.images.idx import read_idx
from quasistatic.data.panics import without_panics
from quasistatic.data.table import from_frame
from quasistatic.data.text._zstd import most_unpacked
from quasistatic.errors import DataError
from workbooks import workbook

CORPUS = Path(__file__).with_name("corpus")
TRIES = 120


@pytest.mark.parametrize("ending", seeds())
def test_mutated_files(tmp_path, ending, capfd):
    good, rng, found = seeds()[ending], random.Random(0), Counter()
    for _ in range(TRIES):
        path = write(mutated(rng.choice(good), rng, good), ending, tmp_path)
        found[outcome(path)] += 1
    assert "panicked" not in capfd.readouterr().err
    assert not tally(found)
    assert found["refused"] > TRIES / 20
    assert found["read"] > TRIES / 60


@pytest.mark.parametrize("case", FILES)
def test_finds(tmp_path, case):
    ending, content = FILES[case]
    assert outcome(write(content, ending, tmp_path)) in ("read", "refused")


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_corpus(path, capfd):
    """Files that were found by coverage; whatever a parser says of its panics, nobody hears it."""
    assert outcome(path) in ("read", "refused")
    assert capfd.readouterr() == ("", "")


READ = """
import sys
from quasistatic.data.files import read_table
from quasistatic.errors import DataError
try:
    read_table(sys.argv[1])
except DataError as error:
    print(ascii(f"Error: {error}")[1:], file=sys.stderr)
    sys.exit(2)
"""


def test_a_parser_that_would_end_the_process_says_which_file_it_was(tmp_path):
    path = tmp_path / "\x1b[2J.parquet"
    shutil.copy(CORPUS.with_name("ends-the-process.parquet"), path)
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: {tmp_path}/".encode())
    assert done.stderr.count(b"no intact Parquet file") == 1
    assert b"\x1b" not in done.stderr


def test_all_but_panics_is_heard(capfd):
    with without_panics("unsaid"):
        os.write(2, b"before\n")
        for note in (b"", b"note: run with `RUST_BACKTRACE=1`\n"):
            os.write(2, b"\nthread 'a-1' (7) panicked at x.rs:3:9:\nrange end\n" + note)
        with without_panics("unsaid"):
            os.write(2, b"within\n")
    os.write(2, b"behind\n")
    assert capfd.readouterr().err == "before\nwithin\nbehind\n"


def test_pipes_devices_and_standard_input_are_refused_at_once(tmp_path):
    pipe, endless = tmp_path / "pipe.csv", tmp_path / "endless.csv"
    os.mkfifo(pipe)
    endless.symlink_to("/dev/zero")
    for path, words in (
        (pipe, "no ordinary file"),
        (endless, "no ordinary file"),
        ("-", "standard input is not read"),
        ("/dev/stdin", "no ordinary file|unknown kind of file"),
    ):
        for read in (read_table, read_data):
            with pytest.raises(DataError, match=words) as caught:
                read(path)
            assert caught.value.fix


def test_days_beyond_the_calendar_are_named():
    days = pl.Series("d", np.array([0, 2**31 - 1, 5, 7], np.int32)).cast(pl.Date)
    with pytest.raises(DataError, match=r"row 2, column .d.: 1 date\(s\) outside"):
        infer_schema(from_frame(days.to_frame()))


@pytest.mark.parametrize("name", ["d[1].parquet", "d*.parquet", "d?.parquet"])
def test_names_stand_for_themselves(tmp_path, name):
    for other in ("d1.parquet", "d2.parquet"):
        pl.DataFrame({"a": [1.5, 2.5]}).write_parquet(tmp_path / other)
    pl.DataFrame({"a": [1.5, 2.5, 3.5]}).write_parquet(tmp_path / name)
    assert len(read_table(tmp_path / name)) == 3


BOMBS = {
    "Parquet": (".parquet", lambda path: ZEROS.write_parquet(path)),
    "Parquet of short texts": (".parquet", lambda path: TEXTS.write_parquet(path)),
    "Arrow": (".arrow", lambda path: ZEROS.write_ipc(path, compression="zstd")),
    "NPZ": (".npz", lambda path: np.savez_compressed(path, a=np.zeros(400_000))),
    "NPZ whose member claims more": (".npz", lambda path: _archive(path, _head((2**40,)))),
    "NPY that claims more": (".npy", lambda path: path.write_bytes(_head((2**40,)))),
    "text, packed by zstd": (".csv.zst", lambda path: ZEROS.write_csv(path, compression="zstd")),
    "text, packed by gzip": (".csv.gz", lambda path: path.write_bytes(gzip.compress(LINES))),
    "workbook": (".xlsx", lambda path: _archive(path, LINES, "xl/worksheets/sheet1.xml")),
    "pictures": (".idx.gz", lambda path: path.write_bytes(gzip.compress(IDX))),
}
ZEROS = pl.DataFrame({"a": pl.zeros(400_000, dtype=pl.Int64, eager=True)})
TEXTS = pl.DataFrame({"a": ["a text"] * 100_000})
LINES = b"a\n" + b"0\n" * 600_000
IDX = bytes([0, 0, 8, 3, 0, 0, 255, 255, 0, 0, 1, 0, 0, 0, 1, 0])


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_before_they_are_unpacked(name, tmp_path, monkeypatch):
    """Files of some kilobytes that ask for more than the memory left, here 1 MiB."""
    for module in ("quasistatic.data.memory", "quasistatic.data.text._bytes"):
        monkeypatch.setattr(f"{module}.available_bytes", lambda: 2**20)
    ending, make = BOMBS[name]
    path = tmp_path / f"bomb{ending}"
    make(path)
    assert path.stat().st_size < 2**16
    with pytest.raises(DataError, match="GiB") as caught:
        read_idx(path) if "idx" in ending else read_table(path)
    assert str(path) in str(caught.value)
    if ending == ".npy":
        with pytest.raises(DataError, match="GiB"):
            read_npy(path)


@pytest.mark.parametrize(
    "name", ["NPZ", "text, packed by zstd", "text, packed by gzip", "workbook"]
)
def test_files_that_are_packed_as_no_table_is(name, tmp_path, monkeypatch):
    """With memory enough, a file that unpacks to hundreds of times its size is refused."""
    monkeypatch.setattr("quasistatic.data.memory.MOST_UNPACKED", 2**19)
    ending, make = BOMBS[name]
    path = tmp_path / f"bomb{ending}"
    make(path)
    with pytest.raises(DataError, match=r"MiB unpack to .* times as much"):
        read_table(path)
    monkeypatch.setattr("quasistatic.data.memory.MOST_UNPACKED", 2**25)
    if name != "workbook":  # which is none inside
        assert len(read_table(path)) >= 400_000


def test_blocks_of_zstd_are_counted_and_not_unpacked(tmp_path):
    block = ((2**17 << 3) | (1 << 1)).to_bytes(3, "little") + b"a"  # one letter, again and again
    frame = b"\x28\xb5\x2f\xfd\x00\x58" + block * 4000 + b"\x01\0\0"
    skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    assert most_unpacked(skipped + frame + frame) == 2 * 4000 * 2**17
    for damaged in (frame[:-1], frame + b"x", frame[:5], b"abcd", b"\x50\x2a\x4d\x18\xff\0\0\0"):
        with pytest.raises(ValueError, match="zstd frame"):
            most_unpacked(damaged)
    (tmp_path / "t.csv.zst").write_bytes(frame)
    with pytest.raises(DataError, match="unpack to 500 MiB"):
        read_table(tmp_path / "t.csv.zst")


def test_a_workbook_of_two_cells_far_apart(tmp_path):
    """Its parser makes all cells between them, in a process that has no room for that."""
    path = workbook(tmp_path / "t.xlsx", {"far": [["a"], [1]]})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/s1.xml"]
    parts["xl/worksheets/s1.xml"] = sheet.replace(
        b"</sheetData>", b'<row r="900000"><c r="ZZ900000"><v>1</v></c></row></sheetData>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(
        DataError, match=r"take more than 1\.3 GiB of memory, and it holds 0\.0 MiB"
    ):
        read_table(path)


def test_a_line_without_an_end(tmp_path):
    """A file of 16 GiB of zeros, of which nobody would see the end."""
    path = tmp_path / "t.csv"
    with path.open("wb") as file:
        file.truncate(2**34)
    with pytest.raises(DataError, match="a line is longer than 16 MiB"):
        next(raw_pieces(path))


def test_a_key_that_occurs_twice_is_named(tmp_path):
    (tmp_path / "t.jsonl").write_bytes(FILES["a key that occurs twice"][1])
    with pytest.raises(DataError, match=r"line 1: no JSON \(the key 'a' occurs twice"):
        read_table(tmp_path / "t.jsonl")


def _head(shape):
    """A NPY file of a shape, and not one number."""
    file = io.BytesIO()
    head = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, head)
    return file.getvalue()


def _archive(path, content, member="a.npy"):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)

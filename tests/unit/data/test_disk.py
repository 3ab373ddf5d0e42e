"""Tables that are not held in memory: what is wrong in one of their files is one error with its
place, and what they say of themselves is what the table in memory says."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier

import numpy as np
import polars as pl
import pytest

from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.disk import parts
from quasistatic.data.disk.delimited import text_pieces
from quasistatic.data.disk.files import is_dataset, open_table
from quasistatic.data.disk.parts import in_parts, require_disk
from quasistatic.data.disk.pieces import pieces_like
from quasistatic.data.disk.records import array_pieces, json_pieces
from quasistatic.data.disk.sharing import Sharing
from quasistatic.data.disk.text import text_on_disk
from quasistatic.data.files import read_table
from quasistatic.data.fingerprint import fingerprint
from quasistatic.data.fitted_codec import fit_and_encode
from quasistatic.data.weights import repeated, without_weights
from quasistatic.errors import DataError, OutputError

N, ROWS = 1000, 128


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    for module in ("table", "delimited", "parts", "records"):
        monkeypatch.setattr(f"quasistatic.data.disk.{module}.ROWS", ROWS)


def frame(n=N):
    rng = np.random.default_rng(0)
    x = rng.normal(size=n).round(2)
    kind = np.where(x > 0, "a", "b")
    there = pl.Series(rng.random(n) > 0.1)
    rows = pl.DataFrame({"x": x, "n": rng.poisson(3, n), "kind": kind})
    return rows.with_columns(pl.when(there).then(pl.col("n")).alias("n"))


def shards(folder, frames, pattern="part-{:05d}-of-{:05d}.parquet"):
    for number, rows in enumerate(frames):
        rows.write_parquet(folder / pattern.format(number, len(frames)))
    return folder


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_a_table_on_the_disk_says_what_it_says_in_memory(tmp_path, ending):
    path = tmp_path / f"t{ending}"
    frame().write_parquet(path) if ending == ".parquet" else frame().write_csv(path)
    held = read_table(path)
    table = open_table(path) if ending == ".parquet" else text_on_disk(path, tmp_path)
    schema = infer_schema(held)
    assert infer_schema(table) == schema
    assert fingerprint(table) == fingerprint(held)
    some = np.arange(0, N, 3)
    (codec, encoded), (again, on_disk) = (
        fit_and_encode(one.take(some), schema) for one in (held, table)
    )
    assert again.to_json() == codec.to_json()
    assert np.array_equal(on_disk.log_volume, encoded.log_volume)
    for one, other in zip(encoded.rows, on_disk.rows, strict=True):
        for part, same in zip(one, other, strict=True):
            assert (part is None) == (same is None)
            assert part is None or np.array_equal(part, same)
    assert np.array_equal(table.whole(schema.names), held.whole(schema.names))
    del table
    assert [name for name in os.listdir(tmp_path) if name != path.name] == []


def test_processes_encode_some_pieces_each_and_map_the_same_rows(tmp_path):
    """Threads in the place of processes: each has the rows that one alone would have."""
    frame().write_parquet(tmp_path / "t.parquet")
    table = replace(open_table(tmp_path / "t.parquet"), scratch=tmp_path)
    schema = infer_schema(table)
    codec, alone = fit_and_encode(table, schema)
    said, barrier, pieces = [], Barrier(3), []

    def meet(rank, words):
        if not rank:
            said.append(words)
        barrier.wait(60)
        first = said[-1]
        barrier.wait(60)
        return first

    def encode(rank):
        sharing = Sharing(rank, 3, partial(meet, rank))
        pieces.append([sharing.has(number) for number in range(6)])
        return fit_and_encode(replace(table, sharing=sharing), schema)

    with ThreadPoolExecutor(3) as pool:
        encoded = list(pool.map(encode, range(3)))
    assert np.array_equal(np.sum(pieces, axis=0), np.ones(6))
    for again, rows in encoded:
        assert again.to_json() == codec.to_json()
        assert np.array_equal(rows.log_volume, alone.log_volume)
        for mapped, expected in zip(rows.rows, alone.rows, strict=True):
            assert isinstance(mapped.value, np.memmap)
            for one, other in zip(mapped, expected, strict=True):
                assert (one is None and other is None) or np.array_equal(one, other)
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def test_a_shard_that_is_missing(tmp_path):
    shards(tmp_path, [frame()[i : i + 250] for i in range(0, N, 250)])
    assert is_dataset(tmp_path)
    (tmp_path / "part-00002-of-00004.parquet").unlink()
    with pytest.raises(DataError, match="number 2 of 4 files is missing"):
        open_table(tmp_path)


@pytest.mark.parametrize("change", ["type", "name", "order"])
def test_a_shard_of_other_columns(tmp_path, change):
    rows = frame()[:250]
    other = {
        "type": rows.with_columns(pl.col("x").cast(pl.Float32)),
        "name": rows.rename({"x": "y"}),
        "order": rows.select("kind", "n", "x"),
    }[change]
    shards(tmp_path, [rows, rows, other])
    with pytest.raises(DataError, match=r"part-00002-of-00003\.parquet, behind row 500"):
        open_table(tmp_path)


def test_a_file_that_grows_or_goes_while_it_is_read(tmp_path):
    path = tmp_path / "t.csv"
    frame().write_csv(path)
    pieces = text_pieces(path)
    next(pieces)
    with path.open("a") as file:
        file.write("0.5,3,a\n")
    with pytest.raises(DataError, match="changed while it was read"):
        list(pieces)
    folder = tmp_path / "shards"
    folder.mkdir()
    table = open_table(shards(folder, [frame()[:500], frame()[500:]]))
    (folder / "part-00001-of-00002.parquet").unlink()
    with pytest.raises(DataError, match=r"t.csv|part-0000[01]-of-00002"):
        list(table.pieces())


LINES = {
    "a header again": ("x,n,kind", DataError, "stand here again"),
    "another separator": ("0.5;3;a", DataError, "1 cells where the header has 3"),
    "another width": ("0.5,3,a,b", DataError, "4 cells where the header has 3"),
}


@pytest.mark.parametrize("name", LINES)
def test_a_text_that_changes_half_way(tmp_path, name, monkeypatch):
    monkeypatch.setattr("quasistatic.data.disk.files.MOST_HELD", 1)
    line, error, words = LINES[name]
    path = tmp_path / "t.csv"
    frame().write_csv(path)
    schema = infer_schema(read_table(path))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:600], line, *lines[600:], ""]))
    with pytest.raises(error) as caught:
        list(pieces_like(schema, path))
    assert words in str(caught.value)
    assert f"{path}, behind line " in str(caught.value)


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    with pytest.raises(OutputError, match="GiB of the disk are free"):
        require_disk(2**80, tmp_path, what="a table")
    with pytest.raises(ZeroDivisionError), in_parts(tmp_path / "t.parquet") as add:
        add(frame())
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == []

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parts, "_GATHER", dict.fromkeys(parts._GATHER, full))
    with pytest.raises(OutputError, match="No space left"), in_parts(tmp_path / "t.parquet") as add:
        add(frame())
    assert os.listdir(tmp_path) == []


def test_json_lines_in_pieces_are_the_rows_of_the_file(tmp_path):
    """Also where a key is absent from whole pieces: its cells are missing there."""
    lines = [
        {"x": i / 8, "kind": "ab"[i % 2]} | ({"late": i} if i < ROWS else {}) for i in range(N)
    ]
    (tmp_path / "t.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    held = read_table(tmp_path / "t.jsonl").frame
    found = [read() for read in json_pieces(tmp_path / "t.jsonl")]
    assert [len(piece) for piece in found] == [ROWS] * (N // ROWS) + [N % ROWS]
    together = pl.concat([piece.frame for piece in found], how="vertical_relaxed")
    assert together.equals(held.cast({"late": together["late"].dtype}))
    with (tmp_path / "t.jsonl").open("a") as file:
        file.write("{\n")
    with pytest.raises(DataError, match=f"behind line {N // ROWS * ROWS}, line {N % ROWS + 1}"):
        [read() for read in json_pieces(tmp_path / "t.jsonl")]


def test_an_array_in_pieces_is_the_array(tmp_path):
    array = np.random.default_rng(0).normal(size=(N, 3))
    np.save(tmp_path / "t.npy", array)
    found = [read() for read in array_pieces(tmp_path / "t.npy")]
    assert [len(piece) for piece in found] == [ROWS] * (N // ROWS - 1) + [ROWS + N % ROWS]
    assert pl.concat([piece.frame for piece in found]).equals(read_table(tmp_path / "t.npy").frame)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_weights_of_a_table_on_the_disk(tmp_path, ending, whole):
    """Rows are repeated as they are in memory."""
    rng = np.random.default_rng(1)
    weights = rng.integers(0, 4, N) if whole else rng.exponential(size=N).round(3)
    rows, path = frame().with_columns(w=pl.Series(weights)), tmp_path / f"t{ending}"
    rows.write_parquet(path) if ending == ".parquet" else rows.write_csv(path)
    table = open_table(path) if ending == ".parquet" else text_on_disk(path, tmp_path)
    found, expected = (repeated(*without_weights(t, "w"), 5) for t in (table, read_table(path)))
    assert not found.held().frame.equals(frame())
    assert found.held().frame.equals(expected.frame)
    assert fingerprint(found) == fingerprint(expected)
    assert found.holding("n").frame["n"].equals(expected.frame["n"])


def test_rows_that_do_not_fit_are_refused_with_the_figure(tmp_path, monkeypatch):
    frame().write_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr("quasistatic.data.memory.available_bytes", lambda: 2**10)
    with pytest.raises(DataError, match="GiB are available"):
        open_table(tmp_path / "t.parquet").held()

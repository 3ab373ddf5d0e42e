"""Any bytes are read or refused with one clear error: never a traceback, never for ever."""

import os
import random
from collections import Counter

import numpy as np
import polars as pl
import pytest

from attack.finds import FILES
from attack.mutation import mutated
from attack.readers import outcome, seeds, tally, write
from quasistatic.data.arranged import read_data
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.files import read_table
from quasistatic.data.table import from_frame
from quasistatic.errors import DataError

TRIES = 120


@pytest.mark.parametrize("ending", seeds())
def test_mutated_files(tmp_path, ending, capfd):
    good, rng, found = seeds()[ending], random.Random(0), Counter()
    for _ in range(TRIES):
        path = write(mutated(rng.choice(good), rng, good), ending, tmp_path)
        found[outcome(path)] += 1
    capfd.readouterr()  # polars' reports of its panics
    assert not tally(found)
    assert found["refused"] > TRIES / 20
    assert found["read"] > TRIES / 60


@pytest.mark.parametrize("case", FILES)
def test_finds(tmp_path, case):
    ending, content = FILES[case]
    assert outcome(write(content, ending, tmp_path)) in ("read", "refused")


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


def test_bombs_are_refused_before_they_are_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("quasistatic.data.memory.available_bytes", lambda: 2**20)
    zeros = pl.DataFrame({"a": pl.zeros(400_000, dtype=pl.Int64, eager=True)})
    zeros.write_parquet(tmp_path / "b.parquet")
    np.savez_compressed(tmp_path / "b.npz", a=np.zeros(400_000))
    for path in (tmp_path / "b.parquet", tmp_path / "b.npz"):
        assert path.stat().st_size < 2**16
        with pytest.raises(DataError, match="GiB of memory"):
            read_table(path)

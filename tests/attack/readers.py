"""Files of every kind that is read, and what becomes of one: read, refused, or broken.

`python -m attack.readers ENDING SEED FIRST LAST FOLDER` tries mutated ones, and prints a line for
each: a process of its own, since there are files at which a parser ends it.
"""

import gzip
import io
import json
import random
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from attack.mutation import mutated
from quasistatic.data.arranged import read_data
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.fingerprint import fingerprint
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.table import Table
from quasistatic.errors import QuasistaticError
from workbooks import workbook

TEXT = (
    b"size,n\n12,1\n5,2\n7,3\n",
    b'"a b";c\n"1,5";2020-01-31\n"2,5";2020-02-01\n;2020-02-03\n',
    b"t\tx\tk\n10:30\t1e5\tyes\n11:45\t-2\tno\n12:00\t\tyes\n",
    b"id,date,price,share\n1,31/12/2019,$1.50,5%\n2,01/02/2020,($3),7%\n3,05/06/2020,$2,9 %\n",
    '\ufeffname,Größe\r\nZoë,1.234,5\r\n"x\ny",2\r\n'.encode(),
    "a,b\n1,2\n3,4\n".encode("utf-16"),
    b"x y z\n1 2 3\n4 5 6\n7 8 9\n",
)
LINES = (
    b'{"a": 1, "b": "x"}\n{"a": 2.5, "b": null}\n{"a": -3, "b": "z"}\n',
    b'{"a": [1, 2], "b": {"c": 1}}\n{"a": [], "b": {"c": 2}}\n',
)


def seeds() -> dict[str, tuple[bytes, ...]]:
    """Good files, by their ending."""
    frame = pl.DataFrame(
        {
            "x": np.arange(12) / 4,
            "n": pl.Series(range(12), dtype=pl.Int16),
            "c": ["a", "b", None] * 4,
            "d": pl.Series(range(12), dtype=pl.Int32).cast(pl.Date),
        }
    )
    parquet, arrow, array, archive = (io.BytesIO() for _ in range(4))
    frame.write_parquet(parquet, compression="uncompressed")
    frame.write_ipc(arrow)
    np.save(array, np.arange(12.0).reshape(6, 2))
    np.savez(archive, a=np.arange(6.0), b=np.array(["u", "v"] * 3))
    images = io.BytesIO()
    np.save(images, (np.arange(3 * 4 * 4) % 251).astype(np.uint8).reshape(3, 4, 4))
    idx = bytes([0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, *range(12)])
    packed = io.BytesIO()
    pl.DataFrame({"x": ["1", "2", "4"], "n": ["a", "b", "a"]}).write_csv(packed, compression="zstd")
    return {
        ".csv": TEXT,
        ".tsv": TEXT,
        ".csv.gz": (gzip.compress(TEXT[0], mtime=0), gzip.compress(TEXT[2], mtime=0)),
        ".csv.zst": (packed.getvalue(),),
        ".jsonl": LINES,
        ".parquet": (parquet.getvalue(),),
        ".arrow": (arrow.getvalue(),),
        ".npy": (array.getvalue(), images.getvalue()),
        ".npz": (archive.getvalue(),),
        ".idx": (idx,),
        "/0.png": (_png(),),
        ".xlsx": _workbooks(),
    }


def _workbooks() -> tuple[bytes, ...]:
    rows = [
        ["n", "x", "d", "s"],
        *([i, i / 4, date(2020, 1, 1 + i), "ab"[i % 2]] for i in range(6)),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = workbook(Path(folder) / "t.xlsx", {"empty": [], "data": rows})
        return (path.read_bytes(),)


def _png() -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(buffer, format="PNG")
    return buffer.getvalue()


def go_through(table: Table, overrides: object = None) -> Table:
    """A table through all that stands before training, and back.

    Args:
        table: table that was read.
        overrides: content of a schema file (default none).

    Returns:
        The decoded rows.
    """
    schema = infer_schema(table, overrides)  # type: ignore[arg-type]
    json.dumps(schema.to_json(), allow_nan=False).encode()
    schema.describe(), schema.base_measure()
    codec = fit_codec(table, schema)
    encoded = codec.encode(table)
    assert all(np.all(np.isfinite(block.value)) for block in encoded.rows), "a value is not finite"
    assert np.all(np.isfinite(encoded.log_volume)), "a log-volume is not finite"
    fingerprint(table)
    return Table(codec.decode(encoded.rows))


def outcome(path: Path, overrides: object = None) -> str:
    """What becomes of a file: "read", "refused", or the end of a traceback."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            go_through(read_data(path), overrides)
    except QuasistaticError as error:
        str(error).encode()
        return "refused" if error.what else "an error without words"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return told(error)
    return "read"


def told(error: BaseException) -> str:
    """An exception and the innermost line of the package that it passed."""
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "quasistatic" in f.filename]
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "elsewhere"
    return f"{type(error).__name__} at {where}: {str(error)[:80]}"


def write(content: bytes, ending: str, folder: Path) -> Path:
    """A file of that content, or a folder with one."""
    path = folder / ("t" + ending)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    if not ending.startswith("/"):
        return path
    (path.parent / "good.png").write_bytes(_png())
    return path.parent


def tally(outcomes: Counter[str]) -> dict[str, int]:
    """Outcomes that are none of the two good ones."""
    return {what: count for what, count in outcomes.items() if what not in ("read", "refused")}


def outcome_of(work: Callable[[], Any]) -> str:
    """What becomes of some work: "used", "refused", or the end of a traceback."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            work()
    except QuasistaticError:
        return "refused"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return told(error)
    return "used"


def main(ending: str, seed: int, first: int, last: int, folder: Path) -> None:
    """Try mutated files of one ending; print what becomes of each.

    Args:
        ending: ending of the files.
        seed: seed of the changes.
        first: number of the first case.
        last: number behind the last case.
        folder: empty folder to work in.
    """
    good = seeds()[ending]
    for i in range(first, last):
        rng = random.Random(f"{seed} {ending} {i}")
        path = write(mutated(rng.choice(good), rng, good), ending, folder)
        print(outcome(path), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]), Path(sys.argv[5]))

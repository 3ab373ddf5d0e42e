import errno
import os
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from quasistatic.data.files import read_table
from quasistatic.data.output import check_output, write_table, write_tables
from quasistatic.errors import DataError, OutputError

FRAME = pl.DataFrame(
    {
        "i": [1, 2, None],
        "f": [0.1, 2.5, -3.75],
        "s": ["a", ' "quoted", ü\nline', "c"],
        "b": [True, False, True],
        "d": [date(2020, 1, 1), None, date(2021, 2, 3)],
        "t": [datetime(2020, 1, 1, 12, 30), datetime(2020, 1, 1), datetime(1999, 1, 1, 0, 0, 0, 5)],
    }
)


@pytest.mark.parametrize(
    "extension",
    [".csv", ".tsv", ".parquet", ".arrow", ".feather", ".ipc", ".jsonl", ".ndjson", ".CSV"],
)
def test_write_and_read(tmp_path, extension):
    path = tmp_path / f"table{extension}"
    write_table(FRAME, path)
    table = read_table(path)
    assert table.frame.schema == FRAME.schema
    assert table.frame.equals(FRAME)
    assert table.source == str(path)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "bool"])
def test_npy(tmp_path, dtype):
    array = np.arange(6).reshape(3, 2).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    table = read_table(tmp_path / "a.npy")
    assert np.array_equal(table.frame.to_numpy(), array)
    write_table(table.frame, tmp_path / "b.npy")
    back = np.load(tmp_path / "b.npy")
    assert back.dtype == dtype
    assert np.array_equal(back, array)


def test_npz(tmp_path):
    write_table(FRAME.select("f", "s", "b"), tmp_path / "a.npz")
    assert read_table(tmp_path / "a.npz").frame.equals(FRAME.select("f", "s", "b"))
    np.savez(tmp_path / "x.npz", X=np.ones((3, 2)), y=np.zeros(7))
    assert read_table(tmp_path / "x.npz").names == ["x0", "x1"]
    np.savez(tmp_path / "several.npz", a=np.ones(3), b=np.zeros((3, 2)))
    assert read_table(tmp_path / "several.npz").names == ["a", "b0", "b1"]
    np.savez(tmp_path / "no.npz", a=np.ones(3), b=np.zeros(4))
    with pytest.raises(DataError, match=r"a: \(3,\), b: \(4,\)"):
        read_table(tmp_path / "no.npz")


def test_arrow_stream(tmp_path):
    FRAME.write_ipc_stream(tmp_path / "s.arrow")
    assert read_table(tmp_path / "s.arrow").frame.equals(FRAME)


def csv(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path).frame


@pytest.mark.parametrize("mark", ["", "NA", "NaN", "nan", "null", "NULL", "N/A", '""'])
def test_missing_cells(tmp_path, mark):
    assert csv(tmp_path, f"a,b\n1,x\n{mark},y\n")["a"].to_list() == [1, None]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a;b\n1,5;x\n2;y\n", {"a": [1.5, 2.0], "b": ["x", "y"]}),
        ("a\tb\n1\tx\n", {"a": [1], "b": ["x"]}),
        ("a|b\n1|x,y\n", {"a": [1], "b": ["x,y"]}),
        ("\ufeffa,b\n1,2\n", {"a": [1], "b": [2]}),
        ("\ufeffa,b\n1,ü\n".encode("utf-16-le"), {"a": [1], "b": ["ü"]}),
        ("a,b\r1,2\r", {"a": [1], "b": [2]}),
        ("a,b,\n1,2,3\n", {"a": [1], "b": [2], "": [3]}),
        ("a,b\r\n1,2\r\n3,4\r\n", {"a": [1, 3], "b": [2, 4]}),
        ("a,b\n1,2\n\n3,4\n\n\n", {"a": [1, 3], "b": [2, 4]}),
        ("a,b\n1,2\n3,4", {"a": [1, 3], "b": [2, 4]}),
        ("a\n1\n\n3\n\n", {"a": [1, None, 3]}),
        ("a,b\n?,?\n5,x\n", {"a": [None, 5], "b": ["?", "x"]}),
        (" a ,b\n yes, 1\n no, 2\n", {" a ": [" yes", " no"], "b": [1, 2]}),
        ("zip,n\n02139,1\n10001,2\n", {"zip": ["02139", "10001"], "n": [1, 2]}),
        ("a,b\ntrue,True\nfalse,False\n", {"a": [True, False], "b": ["True", "False"]}),
        ("a,b\n1,1.5\n9223372036854775808,1e5\n", {"a": [1, 2**63], "b": [1.5, 1e5]}),
        ("a,b\n1,x\nx,2\n", {"a": ["1", "x"], "b": ["x", "2"]}),
        ('a,b\n"1,000",x\n"2 ""q""\nz",y\n', {"a": ["1,000", '2 "q"\nz'], "b": ["x", "y"]}),
        (
            "t,n\n2020-01-01T10:00:00Z,1\n",
            {"t": [datetime.fromisoformat("2020-01-01T10:00:00+00:00")], "n": [1]},
        ),
        ("t,n\n2020-01-01 10:00,1\n", {"t": [datetime(2020, 1, 1, 10)], "n": [1]}),
        ("d,n\n2020-01-01,1\n2020-13-01,2\n", {"d": ["2020-01-01", "2020-13-01"], "n": [1, 2]}),
    ],
)
def test_csv_cells(tmp_path, content, expected):
    assert csv(tmp_path, content).to_dict(as_series=False) == expected


def test_numbers_are_read_as_they_are_printed(tmp_path):
    x = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.arange(-500, 500).clip(-300, 290)
    assert csv(tmp_path, "x\n" + "\n".join(map(repr, x.tolist())))["x"].to_list() == x.tolist()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", b"", "t.csv: the file is empty"),
        ("t.csv", b"\n\n", "t.csv: the file is empty"),
        ("t.csv", b"a,b\n", "there is a header, but no rows"),
        ("t.csv", b"a,b\n\n\n", "there is a header, but no rows"),
        ("t.csv", b"a,b\n1,2\n3\n", r"t.csv, line 3: 1 cells where the header has 2"),
        ("t.csv", b"a,b\n1,2\n\n3,4,5\n", r"t.csv, line 4: 3 cells where the header has 2"),
        ("t.csv", b'a,b\n"x\ny",2\n3\n', r"t.csv, line 4: 1 cells where the header has 2"),
        ("t.csv", b'a,b\n1,2\n"3,4\n5,6\n', r"t.csv, line 3: cannot be read as CSV"),
        ("t.csv", b"a,b\n1,2\n3,\xe9\n", r"t.csv, line 3: byte 11 \(0xe9\) is no UTF-8\n.*iconv"),
        ("t.csv", b"a,b\n1,\x002\n", "line 2: there is a zero byte"),
        ("t.csv", b"a,b,a\n1,2,3\n", r"line 1: column name 'a' occurs twice \(columns 1 and 3\)"),
        ("t.parquet", b"PAR1 this is not it", "no intact Parquet file"),
        ("t.arrow", b"ARROW1 this is not it", "no intact Arrow file"),
        ("t.feather", b"nothing of the kind", "no intact Arrow file"),
        ("t.npy", b"\x93NUMPY rubbish", "no intact NumPy file"),
        ("t.npy", b"rubbish that is longer than the magic", "NumPy|Python objects"),
        ("t.npz", b"PK\x03\x04 rubbish", "no intact NumPy file"),
        ("t.jsonl", b'{"a": 1}\n{"a": \n', "t.jsonl, line 2: no JSON"),
        ("t.jsonl", b'{"a": 1}\n[1]\n', "t.jsonl, line 2: no JSON object"),
        ("t.xlsx", b"PK", "no intact workbook"),
        ("t.docx", b"PK", "unknown kind of file '.docx'"),
    ],
)
def test_bad_files(tmp_path, name, content, words):
    with pytest.raises(DataError, match=words):
        csv(tmp_path, content, name)


def test_truncated_files(tmp_path):
    for name in ("t.parquet", "t.arrow", "t.npz"):
        write_table(pl.DataFrame({"a": np.arange(1000.0)}), tmp_path / name)
        content = (tmp_path / name).read_bytes()
        with pytest.raises(DataError, match="no intact"):
            csv(tmp_path, content[: len(content) // 2], name)


def test_other_paths(tmp_path):
    with pytest.raises(DataError, match=r"none.csv: there is no such file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="folder"):
        read_table(tmp_path / "folder.csv")


def test_object_array_is_refused(tmp_path):
    np.save(tmp_path / "o.npy", np.array([[1, "a"]], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="Python objects"):
        read_table(tmp_path / "o.npy")


def test_an_existing_file_needs_force(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("precious")
    for refuse in (check_output, lambda p: write_table(FRAME, p)):
        with pytest.raises(OutputError, match="exists already"):
            refuse(path)
    assert path.read_text() == "precious"
    write_table(FRAME, path, force=True)
    assert read_table(path).frame.height == 3


@pytest.mark.parametrize(
    ("name", "words"),
    [("no/t.csv", "no folder"), ("t.xyz", "unknown kind"), ("t", "unknown kind"), (".", "folder")],
)
def test_output_paths_are_checked(tmp_path, name, words):
    with pytest.raises(OutputError, match=words):
        check_output(tmp_path / name)
    with pytest.raises(OutputError, match=words):
        write_table(FRAME, tmp_path / name)


@pytest.mark.parametrize("extension", [".csv", ".parquet", ".npz"])
def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch, extension):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / f"t{extension}").write_text("precious")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_table(FRAME.select("f"), tmp_path / f"t{extension}", force=True)
    assert os.listdir(tmp_path) == [f"t{extension}"]
    assert (tmp_path / f"t{extension}").read_text() == "precious"


def test_tables_that_belong_together_are_written_all_or_none(tmp_path, monkeypatch):
    paths = [tmp_path / f"t-{i}.csv" for i in (1, 2, 3)]
    paths[0].write_text("precious")
    written, fsync = [], os.fsync

    def full_at_the_third(descriptor):
        written.append(descriptor)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full_at_the_third)
    with pytest.raises(OutputError, match=r"t-3\.csv.*No space left on device"):
        write_tables([FRAME] * 3, paths, force=True)
    assert len(written) == 3
    assert os.listdir(tmp_path) == ["t-1.csv"]
    assert paths[0].read_text() == "precious"
    write_tables([FRAME, FRAME.head(1), FRAME.head(2)], paths, force=True)
    assert [read_table(path).frame.height for path in paths] == [3, 1, 2]
    assert sorted(os.listdir(tmp_path)) == ["t-1.csv", "t-2.csv", "t-3.csv"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize(
    "extension", [".csv", ".tsv", ".parquet", ".arrow", ".jsonl", ".npy", ".npz"]
)
def test_a_really_full_device_is_an_output_error(tmp_path, monkeypatch, extension):
    def onto_a_full_device(prefix, suffix, dir):
        path = tmp_path / "part"
        path.touch()
        return os.open("/dev/full", os.O_WRONLY), str(path)

    monkeypatch.setattr("tempfile.mkstemp", onto_a_full_device)
    with pytest.raises(OutputError, match="No space left"):
        write_table(FRAME.select("f"), tmp_path / f"t{extension}")
    assert os.listdir(tmp_path) == []


def test_text_does_not_fit_into_npy(tmp_path):
    with pytest.raises(OutputError, match="'s' is String"):
        write_table(FRAME, tmp_path / "t.npy")
    assert os.listdir(tmp_path) == []


def test_new_files_have_the_usual_permissions(tmp_path):
    (tmp_path / "plain").touch()
    write_table(FRAME, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").stat().st_mode == (tmp_path / "plain").stat().st_mode

"""The page to a file."""

import errno
import os

import pytest

from quasistatic import OutputError
from quasistatic.report.output import check_page, write_page


def test_a_page_is_written_whole(tmp_path):
    write_page("<p>é</p>", tmp_path / "a.html")
    assert (tmp_path / "a.html").read_bytes() == "<p>é</p>".encode()
    assert os.listdir(tmp_path) == ["a.html"]


def test_an_existing_file_is_replaced_only_by_force(tmp_path):
    (tmp_path / "a.html").write_text("old")
    with pytest.raises(OutputError, match="exists already"):
        write_page("new", tmp_path / "a.html")
    write_page("new", tmp_path / "a.html", force=True)
    assert (tmp_path / "a.html").read_text() == "new"


@pytest.mark.parametrize("name", ["table.csv", "report", "no/such/folder.html", "folder.html"])
def test_paths_that_are_refused(tmp_path, name):
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(OutputError):
        check_page(tmp_path / name, force=True)
    with pytest.raises(OutputError):
        write_page("text", tmp_path / name, force=True)
    assert os.listdir(tmp_path) == ["folder.html"]


def test_a_full_disk_leaves_the_old_page(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "a.html").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_page("new", tmp_path / "a.html", force=True)
    assert os.listdir(tmp_path) == ["a.html"]
    assert (tmp_path / "a.html").read_text() == "old"

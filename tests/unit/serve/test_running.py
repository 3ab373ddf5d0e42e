"""Before a service runs: its libraries, its token, its address."""

import pytest

from quasistatic.errors import DataError, SettingError
from quasistatic.report import output
from quasistatic.serve import running


def test_a_token_is_read_without_the_end_of_its_line(tmp_path):
    path = tmp_path / "token"
    path.write_text("0123456789abcdef\n")
    assert running.read_token(str(path)) == "0123456789abcdef"


@pytest.mark.parametrize("text", ["", "short", "with a blank in it, long", "ünlike-ascii-letters"])
def test_a_weak_token_is_refused(tmp_path, text):
    path = tmp_path / "token"
    path.write_text(text)
    with pytest.raises(SettingError, match="16 characters"):
        running.read_token(str(path))


def test_a_token_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        running.read_token(str(tmp_path / "none"))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.1", "::", "example"])
def test_an_address_for_others_needs_a_token(host):
    with pytest.raises(SettingError, match="no token"):
        running.rules_of(host, "")
    assert running.rules_of(host, "0123456789abcdef").hosts == ()
    assert running.rules_of("127.0.0.1", "").hosts


def test_a_busy_port_is_told():
    with running.bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert running.address_of(taken) == f"http://127.0.0.1:{port}/"
        with pytest.raises(SettingError, match=f"port {port} of 127.0.0.1 cannot be listened at"):
            running.bound("127.0.0.1", port)


def test_what_is_no_address_is_told():
    with pytest.raises(SettingError, match="is no address"):
        running.bound("not an address", 0)


def test_what_is_missing_is_told(monkeypatch):
    monkeypatch.setattr(output, "find_spec", lambda name: None if name == "uvicorn" else name)
    with pytest.raises(SettingError) as error:
        running.require_libraries()
    assert 'pip install "quasistatic[explore]"' in str(error.value)
    assert "uvicorn" in str(error.value)

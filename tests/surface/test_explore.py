"""`explore` and `serve` from the shell: one clear message, or a service that ends in order."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from quasistatic.serve.running import bound
from surface.conftest import refused


@pytest.mark.parametrize("command", ["explore", "serve"])
def test_a_bad_model_folder_is_told(command, tmp_path):
    told = refused(command, tmp_path / "none", "--port", 0, folder=tmp_path)
    assert "model" in told


def test_a_busy_port_is_told_before_anything_is_loaded(tmp_path):
    with bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        for command in ("explore", "serve"):
            told = refused(command, tmp_path / "none", "--port", port, folder=tmp_path)
            assert f"port {port} of 127.0.0.1 cannot be listened at" in told


def test_a_table_with_other_columns_is_told(model, tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    told = refused("explore", model, tmp_path / "other.csv", "--no-browser", folder=tmp_path)
    assert "column" in told


def test_an_address_for_others_needs_a_token(model, tmp_path):
    assert "no token" in refused("serve", model, "--host", "0.0.0.0", folder=tmp_path)


def test_ctrl_c_ends_the_service_in_order(model):
    """It answers while it still compiles, and ends with one line and exit code 0."""
    command = [sys.executable, "-m", "quasistatic", "serve", str(model), "--port", "0"]
    source = os.pathsep.join(path for path in sys.path if path)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": source},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert address, line + process.stderr.read()
        with urllib.request.urlopen(f"{address.group()}api/schema", timeout=20) as answer:
            assert b"penguins" not in answer.read(), "no path of the machine"
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        out, err = process.communicate(timeout=60)
        assert time.monotonic() - begin < 30
    assert process.returncode == 0, err
    assert out.strip() == "Ended."
    assert err == ""

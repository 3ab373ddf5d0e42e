"""Whatever is killed, and whenever: the older output or the new one, whole, and nothing lost."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from quasistatic.cli.claim import claimed
from quasistatic.errors import OutputError

ROOT = Path(__file__).parents[2]


def attacked(module, tmp_path):
    """What a module that forks prints of its attacks, in memory where there is such a disk."""
    in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(dir=in_memory) as base:
        done = subprocess.run(
            [sys.executable, "-m", module, base],
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'src'}"},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    return json.loads(done.stdout)


def test_a_kill_at_every_call_that_changes_files(tmp_path):
    found = attacked("attack.kills", tmp_path)
    assert len(found) == 7
    for name, counts in found.items():
        kills = counts.pop("kills")
        assert kills > 4, name
        assert not any(counts.values()), (name, counts)


def test_full_disks_and_two_writers(tmp_path):
    found = attacked("attack.disks", tmp_path)
    full, two = found["full disk"], found["two writers"]
    assert full.pop("writes") > full.pop("refused") > 10
    assert two.pop("rounds") == 2
    assert not any(full.values()), full
    assert not any(two.values()), two


def test_a_second_fit_to_one_output_is_told_at_its_start(tmp_path):
    output = str(tmp_path / "model")
    with claimed(output):
        with (
            pytest.raises(OutputError, match="another command") as caught,
            claimed(output),
        ):
            pass
        assert caught.value.fix
        with claimed(str(tmp_path / "other")):
            pass
    assert not os.listdir(tmp_path)
    with claimed(output):
        pass


def test_a_claim_ends_with_its_process(tmp_path):
    code = (
        "import os, sys; from quasistatic.cli.claim import claimed\n"
        "with claimed(sys.argv[1]): os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "m")], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert os.listdir(tmp_path) == [".m.lock"]
    with claimed(str(tmp_path / "m")):
        pass
    assert not os.listdir(tmp_path)


def test_where_no_claim_can_be_made_writing_will_say_why(tmp_path):
    for output in (str(tmp_path / "no" / "m"), "/"):
        with claimed(output):
            assert not os.listdir(tmp_path)

"""Processes that work together: what one would have made, and an end when one of them is lost."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file

from surface.conftest import BUDGET, run

HOW = [*BUDGET, "--max-steps", "200", "--batch-size", "64", "--quiet"]
LARGEST_DIFFERENCE = 1e-3
"""Of a parameter after 200 steps on one process and on two: sums of single precision in another
order differ by some 1e-7 of a gradient, and Adam's steps of 2e-3 are that much different, except
where a gradient is nearly 0."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base, rng = tmp_path_factory.mktemp("processes"), np.random.default_rng(0)
    x = rng.normal(size=2100)
    kind = np.where(x > 0, "a", "b")
    pl.DataFrame({"x": x, "y": x + rng.normal(size=2100), "kind": kind}).write_csv(base / "t.csv")
    begun = start(base, "m2", 2, "--json")
    assert run("fit", base / "t.csv", "-o", base / "m1", *HOW).code == 0
    values, said = begun.communicate(timeout=300)
    assert begun.returncode == 0, said
    assert json.loads(values)["steps"] == 200  # and not a word of a library beside it
    return base


def start(base, name, n, *options):
    command = [sys.executable, "-m", "quasistatic", "fit", base / "t.csv", "-o", base / name, *HOW]
    return subprocess.Popen(
        [*map(str, command), "--processes", str(n), *options],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def parameters(base, name):
    return load_file(base / name / "model.safetensors")


def test_two_processes_train_the_model_of_one(folder):
    one, two = parameters(folder, "m1"), parameters(folder, "m2")
    assert one.keys() == two.keys()
    for name in one:
        assert np.max(np.abs(one[name].astype(np.float64) - two[name])) < LARGEST_DIFFERENCE, name


def lose(base, name, rank, how):
    """Start two processes, and do something to one of them after the first checkpoint."""
    begun = start(base, name, 2)
    deadline = time.monotonic() + 300
    while not list(base.glob(f"{name}.checkpoint/*/training.safetensors")):
        assert time.monotonic() < deadline
        assert begun.poll() is None, begun.communicate()[1]
        time.sleep(0.02)
    children = Path(f"/proc/{begun.pid}/task/{begun.pid}/children").read_text().split()
    os.kill(int(children[rank]), how)
    began = time.monotonic()
    _, said = begun.communicate(timeout=120)
    assert time.monotonic() - began < 60
    assert begun.returncode == 2, said
    assert "Traceback" not in said
    return said


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="children are found in /proc")
def test_a_killed_process_ends_the_other_and_resume_goes_on(folder):
    said = lose(folder, "killed", 1, signal.SIGKILL)
    assert "process 1 of 2 was ended by SIGKILL" in said
    again = start(folder, "killed", 2, "--resume")
    _, said = again.communicate(timeout=300)
    assert again.returncode == 0, said
    files = [{f.name: f.read_bytes() for f in (folder / n).iterdir()} for n in ("killed", "m2")]
    assert files[0] == files[1]


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_fails_ends_the_others(folder, rank, tmp_path, monkeypatch):
    """A full disk: its files may not grow. The second one writes the pieces that it hands over."""
    # What it cuts short in a cache of programs is nobody else's.
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    before = sorted({*folder.iterdir(), folder / "site"})
    begun = score(folder, "full.csv")
    children = Path(f"/proc/{begun.pid}/task/{begun.pid}/children")
    while len(children.read_text().split()) < 2:
        assert begun.poll() is None
        time.sleep(0.02)
    process = int(children.read_text().split()[rank])
    resource.prlimit(process, resource.RLIMIT_FSIZE, (0, 0))
    _, said = begun.communicate(timeout=200)
    assert begun.returncode == 2, said
    assert ("process 1 of 2 ended" if rank else "cannot be written") in said
    assert "Traceback" not in said
    assert sorted(folder.iterdir()) == before


HOSTS = """
set -e
hosts=$1; shift
enter='mount --bind "$1" /etc/hosts'
unshare --net --mount --uts sh -c "hostname beta; $enter; exec sleep 600" - "$hosts" & beta=$!
trap 'kill $beta' EXIT
hostname alpha; mount --bind "$hosts" /etc/hosts
until [ "$(nsenter --target $beta --uts hostname 2>/dev/null)" = beta ]; do sleep 0.1; done
other="nsenter --target $beta --net --mount --uts"
ip link add name hosta type veth peer name hostb netns $beta
ip address add 10.77.0.1/24 dev hosta; ip link set lo up; ip link set hosta up
$other ip address add 10.77.0.2/24 dev hostb; $other ip link set lo up; $other ip link set hostb up
export JAX_COORDINATOR_ADDRESS=10.77.0.1:5555 JAX_NUM_PROCESSES=2
JAX_PROCESS_ID=1 $other "$@" & second=$!
JAX_PROCESS_ID=0 "$@"
wait $second
"""
"""Two hosts, each with a network and a name of its own, which a cable joins; a command on both."""


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, ("unshare", "nsenter", "ip"))), reason="no such tools"
)
def test_two_hosts_train_the_model_of_two_processes(folder):
    spaces = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--uts"]
    if subprocess.run([*spaces, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine allows no network of one's own")
    (folder / "hosts").write_text("127.0.0.1 localhost\n10.77.0.1 alpha\n10.77.0.2 beta\n")
    command = [
        sys.executable,
        "-m",
        "quasistatic",
        "fit",
        folder / "t.csv",
        "-o",
        folder / "hosted",
    ]
    command = [*spaces, "sh", "-c", HOSTS, "-", folder / "hosts", *command, *HOW]
    done = subprocess.run(
        list(map(str, command)), check=False, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    files = [{f.name: f.read_bytes() for f in (folder / n).iterdir()} for n in ("hosted", "m2")]
    assert files[0] == files[1]


def score(base, name, *options):
    """Start two processes that score, pieces of 1,024 rows."""
    site = base / "site"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(
        "import quasistatic.data.disk.table as t, quasistatic.data.disk.files as f\n"
        "t.ROWS, f.MOST_HELD = 1024, 1\n"
    )
    how = ["score", base / "m1", base / "t.csv", "-o", base / name, "--processes", 2, *options]
    return subprocess.Popen(
        [sys.executable, "-m", "quasistatic", *map(str, how)],
        env=os.environ | {"PYTHONPATH": f"{site}:{os.environ.get('PYTHONPATH', '')}"},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_write_the_scores_of_one(folder):
    begun = score(folder, "two.csv", "--json")
    assert run("score", folder / "m1", folder / "t.csv", "-o", folder / "one.csv").code == 0
    values, said = begun.communicate(timeout=300)
    assert begun.returncode == 0, said
    assert json.loads(values)["rows"] == 2100
    assert "1024 rows done" in said
    assert (folder / "two.csv").read_bytes() == (folder / "one.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(("rank", "how"), [(1, signal.SIGKILL), (0, signal.SIGSTOP)])
def test_a_lost_process_leaves_nothing(folder, rank, how):
    before = sorted(folder.iterdir())
    begun = score(folder, "lost.csv", "--trajectories", "20000")
    while not list(folder.glob(".lost.csv.lock")):
        assert begun.poll() is None, begun.communicate()[1]
    time.sleep(20)
    children = Path(f"/proc/{begun.pid}/task/{begun.pid}/children").read_text().split()
    os.kill(int(children[rank]), how)
    _, said = begun.communicate(timeout=60)
    assert begun.returncode == 2
    assert f"process {rank} of 2" in said
    assert sorted(folder.iterdir()) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rank", "how"), [(0, signal.SIGKILL), (0, signal.SIGSTOP), (1, signal.SIGSTOP)]
)
def test_a_lost_process_is_named(folder, rank, how):
    said = lose(folder, f"lost-{rank}-{how}", rank, how)
    assert f"process {rank} of 2" in said

"""The compilation cache of people who use Python: in their cache folder unless they object."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
if {early}:
    import jax
    jax.jit(lambda x: x + 1)(1.0)
from quasistatic.cache import enable_compilation_cache
enable_compilation_cache()
import jax
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.jit(lambda x: x * 3 + 1)(2.0)
print(jax.config.jax_compilation_cache_dir)
"""


def told(tmp_path, *, early=False, **environment):
    """The folder that JAX was told of, and how many entries it has."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    mine = {"XDG_CACHE_HOME": str(tmp_path), "JAX_PLATFORMS": "cpu"} | environment
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(early=early)],
        env=inherited | mine,
        capture_output=True,
        text=True,
        check=True,
    )
    folder = tmp_path / "quasistatic" / "jax"
    return done.stdout.strip(), len(list(folder.iterdir())) if folder.exists() else 0


@pytest.mark.parametrize("early", [False, True], ids=["before JAX", "after a first program"])
def test_programs_are_kept_in_the_users_cache_folder(tmp_path, early):
    folder, entries = told(tmp_path, early=early)
    assert folder == str(tmp_path / "quasistatic" / "jax")
    assert entries > 0


def test_it_can_be_turned_off(tmp_path):
    assert told(tmp_path, QUASISTATIC_CACHE="off") == ("None", 0)


def test_a_folder_that_jax_was_given_wins(tmp_path):
    own = str(tmp_path / "own")
    assert told(tmp_path, JAX_COMPILATION_CACHE_DIR=own) == (own, 0)


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path):
    (tmp_path / "quasistatic").write_text("a file where the folder should be")
    assert told(tmp_path)[0] == "None"

"""Programs are dropped where the room for them ends, and only there."""

import jax
import jax.numpy as jnp
import pytest

from quasistatic import compiled


@pytest.fixture
def program():
    function = jax.jit(lambda x: x + 1)
    function(jnp.ones(3))
    assert function._cache_size() == 1
    return function


@pytest.fixture
def process(monkeypatch, tmp_path):
    """A process with so many mappings, of so many that it may have, not yet looked at."""
    monkeypatch.setattr(compiled, "_looked_at", [-compiled.LOOK_AGAIN])

    def has(mappings: int, limit: int | None) -> None:
        (tmp_path / "maps").write_text("7f00-7f01 r-xp\n" * mappings)
        if limit is not None:
            (tmp_path / "limit").write_text(f"{limit}\n")
        monkeypatch.setattr(compiled, "_MAPPINGS", tmp_path / "maps")
        monkeypatch.setattr(compiled, "_LIMIT", tmp_path / "limit")

    return has


@pytest.mark.parametrize(("mappings", "limit", "left"), [(49, 100, 1), (51, 100, 0), (51, None, 1)])
def test_programs_are_dropped_beyond_half_of_the_limit(program, process, mappings, limit, left):
    process(mappings, limit)
    compiled.forget_programs_if_crowded()
    assert program._cache_size() == left
    assert float(program(jnp.ones(3))[0]) == 2.0


def test_the_mappings_are_looked_at_once_a_second(program, process, monkeypatch):
    process(49, 100)
    compiled.forget_programs_if_crowded()
    process(51, 100)
    compiled.forget_programs_if_crowded()
    assert program._cache_size() == 1
    now = compiled.time.monotonic() + compiled.LOOK_AGAIN
    monkeypatch.setattr(compiled.time, "monotonic", lambda: now)
    compiled.forget_programs_if_crowded()
    assert program._cache_size() == 0

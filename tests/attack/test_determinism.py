"""What changes a score by rounding, and what is written down because it could change a model."""

from pathlib import Path

import numpy as np

from quasistatic.checkpoint import versions
from quasistatic.estimator.loading import load

GOLDEN = Path(__file__).parents[1] / "golden"


def test_a_row_alone_and_in_a_table_differ_by_rounding():
    density = load(GOLDEN / "mixed")
    rows = density.sample(40, random_state=0)
    whole = density.log_likelihood(rows, "ais", random_state=1).lower
    again = density.log_likelihood(rows, "ais", random_state=1).lower
    assert whole.tobytes() == again.tobytes()
    for start, stop in ((0, 1), (7, 8), (3, 20)):
        part = density.log_likelihood(rows[start:stop], "ais", random_state=1).lower
        there = whole[start:stop]
        assert np.all(np.abs(part - there) < 1e-5 * (1 + np.abs(there)))


def test_flags_of_the_compiler_are_written_down(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    assert versions()["XLA_FLAGS"] == "--xla_cpu_enable_fast_math=true"
    monkeypatch.delenv("XLA_FLAGS")
    assert "XLA_FLAGS" not in versions()

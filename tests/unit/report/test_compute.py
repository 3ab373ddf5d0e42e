"""What is asked of the density."""

import numpy as np
import polars as pl
import pytest

from quasistatic import DataError, SchemaError, SettingError, load
from quasistatic.data.table import Table
from quasistatic.report import output
from quasistatic.report.output import require_libraries
from unit.report.conftest import SMALL


def test_the_same_seed_finds_the_same(look, nasty, findings):
    again = look(nasty)
    assert again.sampled.equals(findings.sampled)
    np.testing.assert_array_equal(again.scored.index, findings.scored.index)
    np.testing.assert_array_equal(again.scored.likelihood.upper, findings.scored.likelihood.upper)
    np.testing.assert_array_equal(again.work.reverse, findings.work.reverse)
    assert again.certificate == findings.certificate
    assert again.ledger.k_nats == findings.ledger.k_nats


def test_another_seed_takes_other_rows(look, nasty, findings):
    other = look(nasty, seed=2)
    assert not np.array_equal(other.scored.index, findings.scored.index)


def test_scored_rows_are_whole_rows_of_the_data(findings, nasty):
    scored = findings.scored
    assert len(scored.index) == SMALL.scored == len(scored.likelihood.lower) == scored.table.height
    assert np.all(np.diff(scored.index) > 0)
    assert 3 not in scored.index  # the row with a hole
    assert scored.table.equals(nasty.frame[scored.index].select(scored.table.columns))


def test_scores_are_those_of_the_density(findings, nasty):
    alone = findings.density.log_likelihood(
        nasty.take(findings.scored.index), method="sandwich", trajectories=4, random_state=1
    )
    np.testing.assert_array_equal(alone.lower, findings.scored.likelihood.lower)


def test_the_percentile_is_the_share_of_sampled_rows_below(findings):
    lower = findings.scored.likelihood.lower
    expected = [np.mean(findings.generated.lower < value) for value in lower]
    np.testing.assert_allclose(findings.scored.typical, expected)


def test_a_stored_certificate_is_taken(look, folder, nasty, findings):
    density = load(folder)
    stored = density.certify(6, 3, random_state=9)
    found = look(nasty, density)
    assert found.certificate_stored
    assert found.certificate == stored
    assert not findings.certificate_stored


def test_the_ledger_is_of_the_data_or_else_of_sampled_rows(findings, alone):
    assert findings.ledger.steps.n_rows == alone.ledger.steps.n_rows == SMALL.ledger
    assert findings.ledger.k_nats != alone.ledger.k_nats


def test_tables_that_do_not_fit(look, nasty):
    with pytest.raises(DataError, match="no rows"):
        look(nasty.take(np.zeros(0, int)))
    with pytest.raises(SchemaError, match="missing column"):
        look(Table(nasty.frame.drop("_hidden")))
    with pytest.raises(SchemaError, match="no category"):
        look(Table(nasty.frame.with_columns(pl.lit("never seen").alias("$a_{b}$ 100%"))))


def test_missing_libraries_are_named(monkeypatch):
    require_libraries()
    monkeypatch.setattr(output, "find_spec", lambda name: None if name == "jinja2" else object())
    with pytest.raises(
        SettingError, match=r"needs jinja2, which is not installed[\s\S]*pip install"
    ):
        require_libraries()

"""Rows with holes, completed for a second training: what is there stays, what is drawn is a cell of
the table, and who gets it."""

import jax
import numpy as np
import polars as pl
import pytest

from quasistatic import DiffusionDensity
from quasistatic.data.cells import EncodedTable
from quasistatic.data.table import Table
from quasistatic.fitting import _completion as completion
from quasistatic.fitting import training
from quasistatic.fitting._completion import (
    COMPLETIONS,
    LEAST_SHARE,
    MOST_CELLS,
    with_completions,
    worth_completing,
)
from quasistatic.fitting.training import Rows, Trained
from quasistatic.train import FitResult


@pytest.fixture(scope="module")
def holed(mixed) -> pl.DataFrame:
    """A third of the cells of the mixed table missing, and its first row without any cell."""
    frame = pl.from_pandas(mixed)
    gone = np.random.default_rng(1).random(frame.shape) < 1 / 3
    gone[0] = True
    columns = [pl.Series(~gone[:, j]) for j in range(frame.width)]
    return frame.with_columns(
        pl.when(there).then(pl.col(name)).otherwise(None).alias(name)
        for name, there in zip(frame.columns, columns, strict=True)
    )


@pytest.fixture(scope="module")
def encoded(mixed_model, holed) -> EncodedTable:
    return mixed_model.fitted_.codec.encode(Table(holed, "holed"))


@pytest.fixture(scope="module")
def completed(mixed_model, encoded) -> EncodedTable:
    return with_completions(
        mixed_model.model_, mixed_model.fitted_.codec, encoded, key=jax.random.key(0)
    )


def copies(table: EncodedTable, n: int) -> list[EncodedTable]:
    return [table.take(np.arange(i * n, (i + 1) * n)) for i in range(len(table) // n)]


def same(one: EncodedTable, other: EncodedTable) -> None:
    jax.tree.map(np.testing.assert_array_equal, one.rows, other.rows)
    np.testing.assert_array_equal(one.log_volume, other.log_volume)


def test_the_rows_as_they_are_come_first(encoded, completed):
    assert len(completed) == (1 + COMPLETIONS) * len(encoded)
    first = completed.take(np.arange(len(encoded)))
    same(first, encoded)


def test_copies_are_whole_and_keep_what_is_there(encoded, completed):
    for copy in copies(completed, len(encoded))[1:]:
        assert copy.whole.all()
        for block, own in zip(copy.rows, encoded.rows, strict=True):
            np.testing.assert_array_equal(block.value[own.observed], own.value[own.observed])
            assert block.value.dtype == own.value.dtype
            if own.width is not None:
                np.testing.assert_array_equal(block.width[own.observed], own.width[own.observed])


def test_holes_are_filled_differently_in_every_copy(encoded, completed):
    _, one, other, *_ = copies(completed, len(encoded))
    hole = ~encoded.rows[0].observed
    assert np.mean(one.rows[0].value[hole] != other.rows[0].value[hole]) > 0.5


def test_a_drawn_cell_is_one_that_the_table_could_have(mixed_model, encoded, completed):
    codec = mixed_model.fitted_.codec
    for copy in copies(completed, len(encoded))[1:]:
        again = codec.encode(Table(codec.decode(copy.rows), "completed"))
        for block, back in zip(copy.rows, again.rows, strict=True):
            np.testing.assert_allclose(block.value, back.value, rtol=1e-4, atol=1e-5)
            if block.width is not None:
                np.testing.assert_allclose(block.width, back.width, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(copy.log_volume, again.log_volume, rtol=1e-4)


def test_an_impossible_row_keeps_its_holes(mixed_model, encoded, monkeypatch):
    found = completion.impute_rows

    def without_hope(*arguments, **named):
        imputed = found(*arguments, **named)
        imputed.log_evidence[1] = -np.inf
        return imputed

    monkeypatch.setattr(completion, "impute_rows", without_hope)
    table = with_completions(
        mixed_model.model_, mixed_model.fitted_.codec, encoded, key=jax.random.key(0)
    )
    assert not encoded.whole[1]
    for copy in copies(table, len(encoded)):
        same(copy.take(np.array([1])), encoded.take(np.array([1])))


def test_few_holes_are_left_alone(mixed_model, mixed, holed):
    schema = mixed_model.schema_
    table, one_hole = Table(pl.from_pandas(mixed), "mixed"), holed.head(1)
    whole = table.frame.drop_nulls()
    assert not worth_completing(Table(whole), schema)
    n = round(1 / LEAST_SHARE)
    rest = whole[np.resize(np.arange(len(whole)), n)].cast(one_hole.schema)
    assert not worth_completing(Table(pl.concat([one_hole, rest.head(n - 1)])), schema)
    assert worth_completing(Table(pl.concat([one_hole, rest.head(n - 2)])), schema)


def test_holes_of_a_column_that_is_left_out_are_none(mixed_model, mixed):
    frame = pl.from_pandas(mixed).drop_nulls().with_columns(note=pl.lit(None))
    assert not worth_completing(Table(frame), mixed_model.schema_)


def test_more_holes_than_can_be_filled_in_time_are_left_alone(mixed_model, holed, encoded):
    rows = np.flatnonzero(~encoded.whole)
    most = MOST_CELLS // sum(block.value.shape[1] for block in encoded.rows)
    table, schema = Table(holed), mixed_model.schema_
    assert worth_completing(table.take(np.resize(rows, most)), schema)
    assert not worth_completing(table.take(np.resize(rows, most + 1)), schema)


def test_the_holes_of_a_table_are_those_of_its_rows(mixed_model, holed, encoded):
    """Counted on the table, they are those that the model has to fill."""
    n = np.count_nonzero(~encoded.whole)
    assert n == holed.select(pl.any_horizontal(pl.all().is_null()).sum()).item()
    assert sum(mixed_model.schema_.block_sizes) == sum(b.value.shape[1] for b in encoded.rows)


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("with_holes", [True, False])
def test_a_table_with_holes_is_trained_on_twice(with_holes, mixed, holed, monkeypatch):
    """What the second training learns from is completed (`test_resume` does it in earnest)."""
    completed = []

    def complete(model, codec, encoded, *, key):
        completed.append(len(encoded))
        return encoded

    monkeypatch.setattr(training, "with_completions", complete)
    phases = []
    model = DiffusionDensity(
        trajectory_length=3,
        width=8,
        depth=1,
        dropout=0.0,
        frequencies=0,
        members=1,
        components=1,
        model="diffusion",
        max_steps=2,
        random_state=0,
    )
    model.fit(
        holed if with_holes else pl.from_pandas(mixed).drop_nulls(),
        callback=lambda e: phases.append(e.phase),
    )
    expected = {"all rows", "all rows, completed"} if with_holes else {"all rows"}
    assert {phase for phase in phases if phase.startswith("all rows")} == expected
    assert phases[-1] == max(expected, key=len)
    assert len(completed) == (5 if with_holes else 0)  # four folds and all rows


def test_evidence_of_a_mixture_is_its_log_p(holed):
    """Of a model of one step without a network, whose walks have one weight but for what x_T
    remembers, some thousandths of a nat a row, and for what is drawn in place of an atom."""
    frame = holed[1:61]
    model = DiffusionDensity(model="mixture", components=2, random_state=0).fit(frame)
    codec = model.fitted_.codec
    encoded = codec.encode(Table(frame, "holed"))
    trained = Trained(FitResult(model.model_, 0.0, []), Rows(codec, encoded, encoded))
    exact = model.score_samples(frame).mean()
    assert trained.evidence_nats(0) == pytest.approx(exact, abs=0.01)

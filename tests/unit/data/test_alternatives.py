"""Schemas between which held-out rows decide: they differ in the doubtful atoms on lattices, and in
nothing else."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from quasistatic.data.arranged import image_table
from quasistatic.data.columns._atoms import CLEAR_GAIN, LEAST_GAIN, THRESHOLDS, gain_of_atoms
from quasistatic.data.columns.alternatives import as_states, infer_schemas, with_atoms_of
from quasistatic.data.columns.infer import infer_schema
from quasistatic.data.columns.transform import fit_transform, log_cell_mass
from quasistatic.data.table import from_frame

RNG = np.random.default_rng(0)
N = 600
ROUNDED = np.round(RNG.normal(20, 3, N), 1)
DOUBTFUL = np.where(RNG.random(N) < 0.5, np.round(ROUNDED), ROUNDED)
"""Tenths, of which every second value is read off in whole numbers."""
CLEAR = RNG.choice([3.0, 7.0, 14.0, 28.0, 56.0, 91.0, 180.0, 365.5], N)
ZEROS = np.where(RNG.random(N) < 0.3, 0.0, RNG.lognormal(size=N))


def table(**columns):
    return from_frame(pl.DataFrame(columns))


def test_the_columns_are_what_their_names_say():
    found = infer_schema(table(doubtful=DOUBTFUL, clear=CLEAR, zeros=ZEROS))
    assert all(column.atoms for column in found.columns)
    assert [column.has_lattice for column in found.columns] == [True, True, False]
    assert LEAST_GAIN < gain_of_atoms(DOUBTFUL, 0.1) < CLEAR_GAIN < gain_of_atoms(CLEAR, 0.5)


def test_only_the_doubtful_atoms_are_left_out_of_the_second():
    rows = table(doubtful=DOUBTFUL, clear=CLEAR, zeros=ZEROS)
    first, second = infer_schemas(rows).options
    assert first == infer_schema(rows) == infer_schemas(rows).first
    assert infer_schemas(rows).without_atoms(first) == []
    assert infer_schemas(rows).without_atoms(second) == ["doubtful"]
    doubtful, *others = first.columns
    assert second.columns == (replace(doubtful, atoms=()), *others)
    assert second.base_measure() == first.base_measure()


@pytest.mark.parametrize("columns", [{"clear": CLEAR, "zeros": ZEROS}, {"none": ROUNDED}])
def test_without_doubt_there_is_one(columns):
    rows = table(**columns)
    assert infer_schemas(rows).options == (infer_schema(rows),)


def test_atoms_that_the_user_gives_stay():
    rows = table(doubtful=DOUBTFUL, clear=CLEAR)
    (only,) = infer_schemas(rows, {"columns": {"doubtful": {"atoms": [20.0]}}}).options
    assert only.column("doubtful").atoms == (20.0,)
    assert len(infer_schemas(rows, {"columns": {"doubtful": {"lower": 0.0}}}).options) == 2
    assert infer_schemas(rows, infer_schema(rows).to_json()).options == (infer_schema(rows),)


def test_missing_cells_change_nothing():
    rows = table(c=pl.Series(DOUBTFUL.tolist()).scatter([0, 5, 9], None))
    first, second = infer_schemas(rows).options
    assert first.column("c").atoms
    assert not second.column("c").atoms


def test_images_have_one_schema():
    rows = image_table(RNG.choice([0, 128, 255], (40, 4, 4)).astype(np.uint8))
    assert len(infer_schemas(rows).options) == 1


FIVES = np.repeat(np.round(RNG.choice(np.arange(50, 950), 80, replace=False) / 10, 1), 5)
"""80 values, five times each: five are enough for an atom, and the four that are left when one row
is held out are not."""


def test_among_all_rows_the_schema_is_what_it_was():
    rows = table(doubtful=DOUBTFUL, clear=CLEAR, zeros=ZEROS)
    found = infer_schemas(rows)
    for schema in found.options:
        assert with_atoms_of([rows], schema, found.found_atoms) == schema


def test_rows_that_are_held_out_make_no_atoms():
    rows = table(c=np.concatenate([FIVES, FIVES]))
    (schema,), found = infer_schemas(rows).options, infer_schemas(rows).found_atoms
    assert len(schema.column("c").atoms) == 80
    half = rows.take(np.arange(len(FIVES)))
    assert with_atoms_of([half], schema, found) == replace(
        schema, columns=(replace(schema.columns[0], atoms=()),)
    )
    assert with_atoms_of([half], schema, frozenset()) == schema
    most = rows.take(np.arange(5, rows.frame.height))  # without five rows of the first value
    assert (
        with_atoms_of([most, rows], schema, found).column("c").atoms
        == with_atoms_of([most], schema, found).column("c").atoms
    )
    assert len(with_atoms_of([most], schema, found).column("c").atoms) == 79


def test_the_gain_of_atoms_is_that_of_left_out_rows():
    """A value that occurs five times is none of the atoms of more than four, when one of its rows
    is left out."""
    assert gain_of_atoms(10 * FIVES, 1.0) < 0
    assert gain_of_atoms(np.tile(10 * FIVES, 2), 1.0) > LEAST_GAIN


def test_the_gain_is_that_of_literally_leaving_out_each_row():
    """The smooth masses are those of all rows, which is the rule; N and m differ by one, which is 1
    / N."""
    rng = np.random.default_rng(1)
    values = np.repeat(
        rng.choice(np.arange(900), 100, replace=False), rng.integers(1, 14, 100)
    ).astype(float)
    position, n = values - values.min(), len(values)
    log_mass = log_cell_mass(fit_transform(position, 1.0, "spline"), position)

    def log_probability(i: int, threshold: int) -> float:
        others = np.delete(values, i)
        distinct, counts = np.unique(others, return_counts=True)
        atoms = distinct[counts > threshold]
        total = n - 1 + 0.5 * (len(atoms) + 1)
        if values[i] in atoms:
            return np.log((np.sum(others == values[i]) + 0.5) / total)
        return np.log((np.sum(~np.isin(others, atoms)) + 0.5) / total) + log_mass[i]

    gains = [
        np.mean([log_probability(i, c) for i in range(n)]) - log_mass.mean() for c in THRESHOLDS
    ]
    assert abs(gain_of_atoms(values, 1.0) - max(gains)) < 2 / n


def test_atoms_of_the_user_are_not_found():
    rows = table(doubtful=DOUBTFUL, clear=CLEAR, zeros=ZEROS)
    given = {"columns": {"doubtful": {"atoms": [20.0]}}}
    assert infer_schemas(rows, given).found_atoms == {"clear"}


def test_a_few_whole_numbers_may_be_states():
    year, count = RNG.integers(2007, 2010, N), np.arange(N) % 13
    grade = np.clip(np.rint(RNG.normal(6, 2, N)), 1, 10) / 2
    rows = table(year=year, grade=grade, count=count, flag=np.arange(N) % 2)
    schemas = infer_schemas(rows)
    assert schemas.few_valued == ("year", "grade")
    states = as_states(schemas, rows, "year")
    assert states.first.column("year").atoms == (2007.0, 2008.0, 2009.0)
    assert states.at_states(states.first) == ["year"]
    assert states.first.base_measure() == schemas.first.base_measure()
    assert schemas.at_states(schemas.first) == []
    given = infer_schemas(rows, {"columns": {"year": {"atoms": []}}})
    assert given.few_valued == ("grade",)

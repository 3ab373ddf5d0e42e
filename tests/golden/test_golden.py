"""The numbers of three stored models stay what they were: bounds, evidence, samples (see
`make.py`)."""

import pytest

from golden import make

TOLERANCE = 3 * make.TOLERANCE
"""The suite compiles without optimisation, in which sums are taken in another order than in
`golden.json`."""


def assert_kept(name, *, every):
    found = make.numbers_of(name, every=every)
    stored = make.stored_numbers()[name]
    assert set(found) == set(stored) if every else set(found) < set(stored)
    off = {quantity: make.difference(stored[quantity], found[quantity]) for quantity in found}
    off.pop("samples: checksum")  # of the machine that wrote it
    assert max(off.values()) <= TOLERANCE, {k: v for k, v in off.items() if v > TOLERANCE}


@pytest.mark.parametrize("name", make.TABLES)
@pytest.mark.filterwarnings("ignore")
def test_numbers_of_a_stored_model_are_kept(name):
    assert_kept(name, every=name != "mixed")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_all_numbers_of_the_mixed_table_are_kept():
    assert_kept("mixed", every=True)

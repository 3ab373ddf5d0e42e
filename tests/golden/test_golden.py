"""The numbers of three stored models stay what they were: bounds, evidence, samples (see
`make.py`)."""

import pytest

from golden import make

TOLERANCE = 3 * make.TOLERANCE
"""The suite compiles without optimisation, in which sums are taken in another order than in
`golden.json`."""


@pytest.mark.parametrize("name", make.TABLES)
@pytest.mark.filterwarnings("ignore")
def test_numbers_of_a_stored_model_are_kept(name):
    found = make.numbers_of(name)
    stored = make.stored_numbers()[name]
    assert set(found) == set(stored)
    off = {quantity: make.difference(stored[quantity], found[quantity]) for quantity in stored}
    off.pop("samples: checksum")  # of the machine that wrote it
    assert max(off.values()) <= TOLERANCE, {k: v for k, v in off.items() if v > TOLERANCE}

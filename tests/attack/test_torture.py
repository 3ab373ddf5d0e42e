"""Extreme tables come back as they were, are refused, or it is said what is lost."""

import random
from collections import Counter

from attack.torture import frame_of, outcome


def test_tables_that_no_instrument_recorded():
    rng, found = random.Random(0), Counter()
    for _ in range(200):
        found[outcome(frame_of(rng))] += 1
    assert set(found) == {"kept", "refused"}
    assert found["kept"] > 100

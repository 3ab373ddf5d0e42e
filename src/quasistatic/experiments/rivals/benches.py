"""The benches by name."""

from collections.abc import Callable

from quasistatic.experiments.rivals.bench import Bench, Stage
from quasistatic.experiments.rivals.digits import digits
from quasistatic.experiments.rivals.known_bits import bits, glass, glass_models
from quasistatic.experiments.rivals.roll import roll
from quasistatic.experiments.rivals.sizes import Sizes

BENCHES: dict[str, Callable[[Sizes, int, Stage], Bench]] = {
    "glass": glass,
    "glass-models": glass_models,
    "bits": bits,
    "digits": digits,
    "roll": roll,
}

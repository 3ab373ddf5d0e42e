"""One value from several draws of a cell: the median of numbers, the most frequent category."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from quasistatic.data.columns.states import read_codes
from quasistatic.data.schema import Schema


def point_of(draws: Sequence[pl.DataFrame], schema: Schema) -> pl.DataFrame:
    """The frame of medians and modes of frames of one shape; a median is one of the draws, so that
    it keeps to the lattice.
    """
    columns = []
    for column in schema.columns:
        name = column.name
        if column.is_discrete:
            codes = np.stack([read_codes(d[name], column, "draws")[0] for d in draws])
            counts = np.stack([(codes == k).sum(axis=0) for k in range(len(column.categories))])
            chosen = np.argmax(codes == np.argmax(counts, axis=0), axis=0)
        else:
            values = np.stack(
                [d[name].to_physical().cast(pl.Float64, strict=False).to_numpy() for d in draws]
            )
            chosen = np.argsort(values, axis=0, kind="stable")[len(draws) // 2]
        stacked = pl.concat([d[name] for d in draws])
        columns.append(stacked[chosen.astype(np.int64) * len(draws[0]) + np.arange(len(draws[0]))])
    return pl.DataFrame(columns)

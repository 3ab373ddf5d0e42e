"""Ranks of rows with holes: among the same cells of the model's rows."""

import numpy as np
import polars as pl

from quasistatic.data.table import Table
from quasistatic.fitted.sampling import sample
from quasistatic.serve import marginal
from quasistatic.serve.marginal import MarginalRanks
from unit.serve.conftest import frame
from unit.serve.test_views import ask


def test_a_hole_is_ranked_by_the_cells_that_are_there(density, monkeypatch):
    """Of one known column of numbers the rank is that of its density: the middle of a hump is
    likelier than its foot, whatever the hidden cells were."""
    monkeypatch.setattr(marginal, "_AT_ONCE", 32)
    fitted = density.fitted_
    rows = sample(fitted, 64, key=fitted.key(5))
    ranks = MarginalRanks(fitted)

    def of(mass):
        row = Table(frame().head(1)).with_values(
            frame()
            .head(1)
            .with_columns(
                pl.lit(None, pl.String).alias("kind"),
                pl.lit(mass).alias("mass_g"),
                pl.lit(None, pl.Int64).alias("count"),
            )
        )
        return list(ranks.of(row, rows))

    middle, foot = of(10.0), of(6.5)
    assert [one.rows for one in middle] == [32, 64], "among more rows from step to step"
    assert middle[-1].stderr < 0.25
    assert middle[-1].share[0] > 0.6
    assert foot[-1].share[0] < 0.1
    assert len(ranks._known) == 1
    assert of(10.0)[-1] == middle[-1], "what is kept is what was computed"


def test_shares_of_the_models_own_rows_are_even(density, monkeypatch):
    """64 rows of the model among 64 others, one cell hidden: the mean share is 1/2 but for chance
    (sd 0.29 sqrt(2/64) = 0.05; rate 1e-6)."""
    fitted = density.fitted_
    drawn = sample(fitted, 128, key=fitted.key(6))
    hidden = marginal._hidden(drawn.take(np.arange(64)), ("count",))
    others = drawn.take(np.arange(64, 128))
    ranks = MarginalRanks(fitted)
    of_model = ranks._evidence(marginal._hidden(others, ("count",)))[0]
    shares = marginal.ranks_among(ranks._evidence(hidden)[0], of_model).share
    assert abs(shares.mean() - 0.5) < 0.25


def test_the_page_tells_the_rank_of_a_row_with_holes(client):
    found = ask(client, "row", **{"c.kind": "a"})["answer"]
    assert "More likely than" in found
    assert "by the same cells" in found

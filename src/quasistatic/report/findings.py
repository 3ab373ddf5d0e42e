"""What the report has to say of a model: numbers only, no words and no pictures."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from quasistatic.data.layout import Layout, are_images
from quasistatic.estimator.density import DiffusionDensity
from quasistatic.fitted.certificate import Certificate
from quasistatic.fitted.ledger import LedgerReport
from quasistatic.fitted.likelihood import Likelihood
from quasistatic.report._association import Association
from quasistatic.report._columns import Marginal
from quasistatic.thermodynamics.crooks import Slope
from quasistatic.thermodynamics.work import Work

__all__ = ["OF_IMAGES", "DataFindings", "Findings", "Limits", "Scored"]


@dataclass(frozen=True)
class Limits:
    """How many rows and columns are used at most. Whatever is left out is said on the page.

    Args:
        compared: rows of the data whose columns are compared with as many sampled rows.
        scored: rows of the data that get both sides.
        generated: sampled rows that are scored for comparison.
        weighed: generated rows with work in both directions.
        ledger: rows of the ledger.
        certificate: generated rows of a certificate, where the model folder has none.
        paired: columns whose pairs are compared.
    """

    compared: int = 5000
    scored: int = 500
    generated: int = 500
    weighed: int = 300
    ledger: int = 200
    certificate: int = 200
    paired: int = 60


OF_IMAGES = Limits(
    compared=64, scored=64, generated=64, weighed=32, ledger=16, certificate=32, paired=0
)
"""An image costs what many rows of a table do."""


@dataclass(frozen=True)
class Scored:
    """Rows of the data with both sides of their log-likelihood.

    Args:
        likelihood: "sandwich" of the scored rows.
        index: `[n]`, their places in the data, from 0.
        table: the scored rows themselves.
        typical: `[n]`, the share of the model's own rows with a lower score; their scores are
            `Findings.generated`.
    """

    likelihood: Likelihood
    index: np.ndarray
    table: pl.DataFrame
    typical: np.ndarray


@dataclass(frozen=True)
class DataFindings:
    """What the data add.

    Args:
        name: of the file.
        rows: of the table.
        holes: rows with missing cells, which have no score.
        compared: rows behind marginals and associations.
        seen: it is the very table that the model was fitted on.
        scored: None where every row has a missing cell.
    """

    name: str
    rows: int
    holes: int
    compared: int
    seen: bool
    scored: Scored | None


@dataclass(frozen=True)
class Findings:
    """All numbers of a report.

    Args:
        name: of the model folder.
        density: the model.
        settings: of the model and its training, for the page.
        seed: of everything random here.
        trajectories: a row.
        data: None without data.
        sampled: rows of the model.
        marginals: one a column; none of images, whose pixels say little one by one.
        association: of the first columns; not of images.
        generated: log-likelihoods of sampled rows, method "ais": the lower side of the sandwich.
        certificate: of the model.
        certificate_stored: it was made before, and not for this report.
        work: in both directions, nats.
        slope: Crooks' slope of `work`.
        gap_of_generated: `[n]`, upper minus lower side of those rows, nats; the upper side is
            exact.
        ledger: of rows of the data, or else of sampled ones.
    """

    name: str
    density: DiffusionDensity
    settings: dict[str, Any]
    seed: int
    trajectories: int
    data: DataFindings | None
    sampled: pl.DataFrame
    marginals: tuple[Marginal, ...]
    association: Association | None
    generated: Likelihood
    certificate: Certificate
    certificate_stored: bool
    work: Work
    slope: Slope
    gap_of_generated: np.ndarray
    ledger: LedgerReport

    @property
    def images(self) -> Layout | None:
        """How the rows are arranged, where they are images."""
        layout = self.density.schema_.layout
        return layout if are_images(layout) else None

    @property
    def scored(self) -> Scored | None:
        """Rows of the data with both sides, where there are any."""
        return None if self.data is None else self.data.scored

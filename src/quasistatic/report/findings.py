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
from quasistatic.fitted.privacy import Privacy
from quasistatic.fitting.learning_curve import LearningCurve
from quasistatic.report._association import Association
from quasistatic.report._columns import Marginal
from quasistatic.thermodynamics.crooks import Slope
from quasistatic.thermodynamics.work import Work

__all__ = ["OF_IMAGES", "DataFindings", "Findings", "Limits", "Scored"]


@dataclass(frozen=True)
class Limits:
    """How many rows and columns are used at most. Whatever is left out is said on the page.

    Args:
        compared: number of rows of the data whose columns are compared with as many sampled rows
            (default 5000).
        scored: number of rows of the data that get both sides (default 500).
        generated: number of sampled rows that are scored for comparison (default 500).
        weighed: number of generated rows with work in both directions (default 300).
        ledger: number of rows of the ledger (default 200).
        certificate: number of generated rows of a certificate, where the model folder has none
            (default 200).
        paired: number of columns whose pairs are compared (default 60).
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
        likelihood: log-likelihood of the scored rows, method "sandwich".
        index: places of the scored rows in the data, int `[n]`, from 0.
        table: frame of the scored rows themselves.
        typical: share of the model's own rows with a lower score, `[n]`; their scores are
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
        name: name of the file of the data.
        rows: number of rows that were looked at.
        holes: number of rows with missing cells, which have no score.
        compared: number of rows behind marginals and associations.
        seen: whether it is the very table that the model was fitted on.
        scored: rows with both sides of their log-likelihood; None where every row has a missing
            cell.
        total: number of rows of the table; more than `rows` where they were drawn from it.
    """

    name: str
    rows: int
    holes: int
    compared: int
    seen: bool
    scored: Scored | None
    total: int

    def of_a_part(self, seed: int) -> list[str]:
        """What a page says first where it is of a part of a table.

        Args:
            seed: seed that the rows were drawn with.
        """
        if self.rows == self.total:
            return []
        return [
            f"The table has {self.total:,} rows and is not held in memory: this page is of"
            f" {self.rows:,} of them, drawn at random (seed {seed}). It was not asked whether the"
            " model was fitted on this table."
        ]


@dataclass(frozen=True)
class Findings:
    """All numbers of a report.

    Args:
        name: name of the model folder.
        density: fitted density that the report is about.
        settings: settings of the model and its training, for the page.
        seed: seed of everything random in the report.
        trajectories: number of trajectories a row.
        data: findings on the data; None without data.
        sampled: frame of rows that the model generated.
        marginals: marginal of each column; none of images, whose pixels say little one by one.
        association: association of the first columns; None for images.
        generated: log-likelihoods of sampled rows, method "ais": the lower side of the sandwich.
        certificate: certificate of the model.
        certificate_stored: whether the certificate was made before, and not for this report.
        work: work of generated rows in both directions, nats.
        slope: Crooks' slope of `work`.
        gap_of_generated: upper minus lower side of the generated rows with work, `[n]` nats; the
            upper side is exact.
        ledger: ledger of rows of the data, or else of sampled ones, nats a row.
        privacy: what sampled rows tell of the training rows, the data being the hold-out; None
            (default) without training rows.
        learning: held-out bound by the number of rows fitted on; None (default) if it is not asked.
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
    privacy: Privacy | None = None
    learning: LearningCurve | None = None

    @property
    def images(self) -> Layout | None:
        """How the rows are arranged, where they are images."""
        layout = self.density.schema_.layout
        return layout if are_images(layout) else None

    @property
    def scored(self) -> Scored | None:
        """Rows of the data with both sides, where there are any."""
        return None if self.data is None else self.data.scored

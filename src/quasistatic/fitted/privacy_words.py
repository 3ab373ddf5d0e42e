"""What a comparison of training rows with a hold-out shows, in sentences, and what it does not."""

from quasistatic.fitted.privacy import Privacy

__all__ = ["BEYOND_CHANCE", "LIMITS", "sentences"]

BEYOND_CHANCE = 3.0
"""Standard errors from which on a difference is said not to be chance: once in 740 tries it is."""
LIMITS = (
    "This shows what these attacks find with these rows, and is no guarantee: a leak smaller than"
    " three standard errors goes unseen, other attacks may find more, one exposed row vanishes in a"
    " mean, and nothing here bounds what can be learned of one person, as differential privacy"
    " would. A row unlike all others is the most exposed."
)


def sentences(found: Privacy) -> list[str]:
    """What was found, a sentence for each question.

    Args:
        found: what drawn rows tell of the training rows.
    """
    near, closest, of_rows, guess = (
        found.nearer,
        found.nearer_of_closest,
        found.membership,
        found.guess,
    )
    few = f"the {closest.rows:,} of them that are closest to any real row"
    said = [
        f"Nearest record: {_percent(near.share)} of {near.rows:,} drawn rows are nearer to a"
        f" training row than to the hold-out, {_expected(near.expected, near.stderr)} if nothing"
        f" leaked: {_verdict(near.share - near.expected, near.stderr)}. Of {few}"
        f" {_percent(closest.share)}, {_expected(closest.expected, closest.stderr)}:"
        f" {_verdict(closest.share - closest.expected, closest.stderr)}.",
        f"Exact copies: {found.copies_drawn:,} of {found.drawn:,} drawn rows"
        f" ({_percent(found.copies_drawn / found.drawn)}) equal a training row in every column; of"
        f" the hold-out, which the model has not seen, {found.copies_holdout:,} of"
        f" {found.holdout:,} do ({_percent(found.copies_holdout / found.holdout)}).",
        f"Membership: training rows are {of_rows.gap:.3f} ± {of_rows.gap_stderr:.3f} nats likelier"
        f" than the hold-out. Log p tells a training row from another with probability"
        f" {of_rows.auc:.3f} ± {of_rows.auc_stderr:.3f} (a coin: 0.5):"
        f" {_verdict(of_rows.auc - 0.5, of_rows.auc_stderr)}.",
        f"Attributes: a cell guessed from the drawn row that is nearest by the other columns is off"
        f" by {guess.train:.4f} on training rows and by {guess.holdout:.4f} on the hold-out, a"
        f" difference of {guess.advantage:.4f} ± {guess.stderr:.4f}:"
        f" {_verdict(guess.advantage, guess.stderr)}.",
    ]
    if not found.fitted_on_train:
        said.append(
            "The training table given is not, row by row, the table that the model was fitted on:"
            " if its rows are others, none of this says anything."
        )
    if 2 * found.copies_holdout > found.holdout:
        said.append(
            "Most rows of the hold-out are also training rows. Either the table has few different"
            " rows, or the hold-out was taken from the training table; a leak is then not seen."
        )
    return said


def _verdict(difference: float, stderr: float) -> str:
    if difference > BEYOND_CHANCE * stderr:
        return "more than chance explains"
    if difference < -BEYOND_CHANCE * stderr:
        return "less than chance explains, so the two tables are not of one source"
    return "within chance"


def _expected(share: float, stderr: float) -> str:
    return f"{100 * share:.1f} ± {100 * stderr:.1f} %"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"

"""The numbers of a finished run as Markdown: the tables `results.md` that the pages of the
documentation show.
"""

from collections.abc import Mapping
from typing import Any

from quasistatic.experiments.markdown import markdown, number

Metrics = Mapping[str, Any]
PIXEL = "in standard deviations of a pixel"


def results(metrics: Metrics) -> str:
    """Two tables, of the models and of the run, and a line on how it was run.

    Args:
        metrics: content of metrics.json.
    """
    models = markdown(["of each model", *metrics["variants"]], _of_models(metrics))
    found = _of_run(metrics)
    whole = markdown(["of the run", ""], found) if found else ""
    return "\n".join(part for part in (models, whole, _circumstances(metrics)) if part)


def _of_models(metrics: Metrics) -> list[list[str]]:
    """A row for every number that each model has, a column for every model."""
    models, units = metrics["variants"], metrics["units"]

    def row(title: str, write: Any, entries: Mapping[str, Any]) -> list[str]:
        return [title, *(write(entries[name]) for name in models)]

    def bound(name: str, digits: int = 3) -> Any:
        return lambda values: number(values[name], values[f"{name}_stderr"], digits)

    rows = [
        row(f"K, {units}", bound("K"), models),
        row("K - L_null", lambda v: number(v["K_minus_L_null"]), models),
        row("lower bound (AIS)", bound("lower"), models),
        row(
            "test rows, trajectories of each",
            lambda v: f"{v['test_rows']}, {v['trajectories']}",
            models,
        ),
        row(
            "mean effective number of the trajectories",
            lambda v: number(v["mean_ess"], digits=1),
            models,
        ),
    ]
    if all("gap_of_lower" in values for values in models.values()):  # where the truth is known
        rows.append(
            row("lower bound below the truth by", lambda v: number(v["gap_of_lower"]), models)
        )
    if "nats_per_image" in metrics:
        nats = metrics["nats_per_image"]
        rows += [
            row("K, nats per image", bound("K", 2), nats),
            row("lower bound, nats per image", bound("lower", 2), nats),
        ]
    if "parzen" in metrics:
        rows.append(
            row(
                "Parzen windows, bits per image",
                lambda v: number(v["bits_per_image"], v["stderr"], 1),
                metrics["parzen"],
            )
        )
    if "valid_samples" in metrics:
        rows.append(row("valid samples", lambda share: f"{share:.2%}", metrics["valid_samples"]))
    return [
        *rows,
        row("steps of training", lambda v: f"{v['steps']:,}", models),
        row("minutes of training", lambda v: number(v["training_seconds"] / 60, digits=1), models),
    ]


def _of_run(metrics: Metrics) -> list[list[str]]:
    """A row for every number of the whole run: what is known of the data, baselines, holes,
    noise.
    """
    units = metrics["units"]
    rows = []
    if "negative_entropy" in metrics:
        rows.append(
            [
                f"negative entropy of the data, the most that K can be on average, {units}",
                number(metrics["negative_entropy"]),
            ]
        )
    if "gain_of_the_learned_schedule" in metrics:
        rows.append(
            [
                f"what learning the schedule adds to K, {units}",
                number(metrics["gain_of_the_learned_schedule"]),
            ]
        )
    if "limit" in metrics:
        rows.append(
            [
                f"log2 of the share of a sequence, the most that K can be, {units}",
                number(metrics["limit"]),
            ]
        )
    for name, value in metrics.get("baselines", {}).items():
        n = int(name.rsplit("_", 1)[1])
        title = "Gaussian with full covariance" if n == 1 else f"mixture of {n} such Gaussians"
        rows.append([f"{title}, {units}", number(value["mean"], value["stderr"])])
    if "inpainting" in metrics:
        rows += _holes(metrics["inpainting"])
    if "denoising" in metrics:
        rows += _noise(metrics["denoising"])
    return rows


def _holes(found: Metrics) -> list[list[str]]:
    smc = (
        f"holes, filled by sequential Monte Carlo ({found['model']}): "
        "root-mean-square difference from the original"
    )
    evidence = zip(found["log_evidence"], found["stderr"], strict=True)
    return [
        [f"{smc}, {PIXEL}", number(found["rms_smc"], digits=2)],
        ["the same by the 2015 recipe", number(found["rms_2015"], digits=2)],
        [
            f"log evidence of the pixels around the hole, {found['units']}, image by image",
            ", ".join(number(mean, stderr, digits=1) for mean, stderr in evidence),
        ],
        [
            f"effective number of the {found['particles']} particles, image by image",
            ", ".join(number(x, digits=1) for x in found["ess"]),
        ],
    ]


def _noise(found: Metrics) -> list[list[str]]:
    mean = f"noise removed ({found['model']}): root-mean-square error of the posterior mean"
    return [
        [f"{mean}, {PIXEL}", number(found["rmse_mean"], digits=2)],
        ["of a draw of the posterior", number(found["rmse_draw"], digits=2)],
        ["of the noisy images", number(found["rmse_noisy"], digits=2)],
        [
            "of half of them, the posterior mean of a model without structure",
            number(found["rmse_half"], digits=2),
        ],
        [
            f"mean effective number of the {found['particles']} particles",
            number(found["ess"], digits=1),
        ],
    ]


def _circumstances(metrics: Metrics) -> str:
    size = "quick" if metrics["quick"] else "full"
    on, versions = metrics["machine"], metrics["versions"]
    cores = "1 core" if on["cores"] == 1 else f"{on['cores']} cores"
    return (
        f"The {size} setting, seed {metrics['seed']}: {metrics['seconds'] / 60:.0f} minutes "
        f"on {cores} ({on['processor']}), Python {versions['python']}, JAX {versions['jax']}.\n"
    )

"""The paper's two tables, and one of binary MNIST, from the `metrics.json` of finished runs."""

import json
from pathlib import Path
from typing import Any

from quasistatic.errors import DataError
from quasistatic.experiments.markdown import markdown, number
from quasistatic.experiments.written import write_file

TABLE_1 = ("swiss-roll", "heartbeat", "textures", "dead-leaves", "cifar10", "bmnist")
TABLE_2 = ("mnist",)
TABLE_3 = ("bmnist",)
TABLES = {"table1": TABLE_1, "table2": TABLE_2, "table3": TABLE_3}

PARZEN_BITS = {
    "stacked CAE": (174, 2.3),
    "DBN": (199, 2.9),
    "deep GSN": (309, 1.6),
    "diffusion (the paper)": (317, 2.7),
    "adversarial net": (325, 2.9),
    "perfect model": (349, 3.3),
}
"""Published Parzen log-likelihoods of MNIST, bits per image, with standard errors (the paper's
table 2)."""


def collect(folder: Path) -> dict[str, dict[str, Any]]:
    """The metrics of all runs right below a folder, by experiment.

    Raises:
        DataError: the folder is missing, a `metrics.json` cannot be read, or there are two runs of
            one experiment.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*/metrics.json")):
        try:
            metrics = json.loads(path.read_text(encoding="utf-8"))
            name = metrics["experiment"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"this is no result of an experiment ({error})", where=str(path), fix="run it again"
            ) from error
        if name in found:
            raise DataError(
                f"two runs of {name} lie here", where=str(path), fix="move one of them away"
            )
        found[name] = metrics
    return found


def table_1(results: dict[str, dict[str, Any]]) -> str:
    """K and K - L_null of every model, beside the paper's, as Markdown."""
    head = [
        "data",
        "model",
        "units",
        "K",
        "K - L_null",
        "lower bound (AIS)",
        "K, paper",
        "K - L_null, paper",
    ]
    rows = []
    for name in TABLE_1:
        if name not in results:
            continue
        metrics = results[name]
        published = metrics["published"]
        for model, values in metrics["variants"].items():
            size = " (quick)" if metrics["quick"] else ""
            rows.append(
                [
                    name + size,
                    model,
                    metrics["units"],
                    number(values["K"], values.get("K_stderr")),
                    number(values["K_minus_L_null"]),
                    number(values["lower"], values.get("lower_stderr")),
                    number(published["k"]),
                    number(published["k_minus_l_null"]),
                ]
            )
    return markdown(head, rows)


def table_2(results: dict[str, dict[str, Any]]) -> str:
    """Parzen log-likelihood of MNIST, bits per image, and K of the models, bits per pixel, as
    Markdown.
    """
    rows = [
        [name, f"{bits} ± {error}", "10000", "-"] for name, (bits, error) in PARZEN_BITS.items()
    ]
    metrics = results["mnist"]
    for model, values in metrics["parzen"].items():
        size = " (quick)" if metrics["quick"] else ""
        entry = f"{values['bits_per_image']:.1f} ± {values['stderr']:.1f}"
        of_model = metrics["variants"][model]
        bound = number(of_model["K"], of_model.get("K_stderr"))
        rows.append([f"this program, {model}{size}", entry, str(values["samples"]), bound])
    return markdown(["model", "Parzen, bits per image", "samples", "K, bits per pixel"], rows)


def table_3(results: dict[str, dict[str, Any]]) -> str:
    """Test log-likelihood of binary MNIST, nats per image, as Markdown."""
    metrics = results["bmnist"]
    rows = [
        [name, "", number(nats), ""] for name, nats in metrics["published_nats_per_image"].items()
    ]
    for model, values in metrics["nats_per_image"].items():
        size = " (quick)" if metrics["quick"] else ""
        rows.append(
            [
                f"this program, {model}{size}",
                number(values["K"], values["K_stderr"]),
                number(values["lower"], values["lower_stderr"]),
                str(metrics["test_images"]),
            ]
        )
    return markdown(["model", "K", "log-likelihood or its bound", "test images"], rows)


def write_table(name: str, folder: Path) -> str:
    """Write `NAME.md` and `NAME.json` of the runs below a folder, and return the Markdown.

    Raises:
        DataError: there is no run of the table's experiments.
    """
    results = {key: value for key, value in collect(folder).items() if key in TABLES[name]}
    if not results:
        wanted = TABLES[name][0]
        raise DataError(
            f"no results for {name} lie below this folder",
            where=str(folder),
            fix=f"run the experiments first, e.g. `quasistatic reproduce {wanted} -o "
            f"{folder / wanted}`",
        )
    text = {"table1": table_1, "table2": table_2, "table3": table_3}[name](results)
    write_file(folder / f"{name}.md", text)
    write_file(folder / f"{name}.json", json.dumps(results, indent=1) + "\n")
    return text

"""The commands on good input."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from quasistatic.cli import progress
from quasistatic.cli.fitting import checkpoint_folder
from quasistatic.fitting import FitEvent
from surface.conftest import BUDGET, ONCE, contents, run


@pytest.fixture
def penguins(penguins_path) -> pl.DataFrame:
    return pl.read_csv(penguins_path, null_values="NA")


def test_fit_prints_the_schema_and_the_bound(tmp_path, penguins_path):
    model = tmp_path / "model"
    outcome = run("fit", penguins_path, "-o", model, *BUDGET)
    assert outcome.code == 0, outcome.stderr
    for words in (
        "bill_length_mm",
        "rounded to 0.1",
        "species",
        "nats per row",
        "Base measure",
        "quasistatic sample",
    ):
        assert words in outcome.stdout
    assert {path.name for path in model.iterdir()} == {
        "config.json",
        "schema.json",
        "model.safetensors",
        "manifest.json",
    }
    assert not checkpoint_folder(str(model)).exists()


def fit_event(phase: str, step: int, share: float) -> FitEvent:
    return FitEvent(step, 20, -3.0, -2.0, 9.0, phase, 1234.5, step == 20, share)


@pytest.fixture
def clock(monkeypatch):
    """The time of the progress: a list, whose last entry it is."""
    times = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: times[-1])
    return times


def test_the_time_left_is_of_all_trainings(monkeypatch, clock):
    """By their speed since the first evaluation: a quarter of the fit in 10 s, a half is left."""
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    shown = progress.FitProgress(Console(file=io.StringIO(), width=120), hidden=False)
    for now, step, share in ((30.0, 1, 0.25), (40.0, 2, 0.5)):
        clock.append(now)
        shown(fit_event("candidate", step, share))
    first, second = shown.console.file.getvalue().splitlines()
    assert first == "Candidate: step 1/20 · 1,234 rows/s · held-out bound -2.000 nats"
    assert second.endswith(" · 20 s left at most")


def test_a_bar_for_each_training_that_goes_on(clock):
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    with progress.FitProgress(console, hidden=False) as shown:
        assert shown.bars is not None
        for phase, step, left in (
            ("one", 10, ["Fit", "One"]),
            ("two", 10, ["Fit", "One", "Two"]),
            ("one", 20, ["Fit", "Two"]),
            ("two", 20, ["Fit"]),
        ):
            clock.append(clock[-1] + 1.0)
            shown(fit_event(phase, step, step / 40))
            assert [task.description for task in shown.bars.tasks] == left
    assert "One: 20/20 · 1,234 rows/s · held-out bound -2.000 nats" in console.file.getvalue()


def test_without_a_terminal_a_line_at_once_and_then_one_in_ten_seconds(clock):
    with progress.FitProgress(Console(file=io.StringIO(), width=120), hidden=False) as shown:
        for step in range(1, 21):
            clock.append(float(step))
            shown(fit_event(f"candidate {step}", step, step / 20))
    lines = shown.console.file.getvalue().splitlines()
    assert [line.split(":")[0] for line in lines] == ["Compiling", "Candidate 10", "Candidate 20"]


def test_fit_json_is_one_object(tmp_path, penguins_path):
    outcome = run("fit", penguins_path, "-o", tmp_path / "model", *BUDGET, "--json")
    values = json.loads(outcome.stdout)
    assert values["rows"] == 344
    assert values["unit"] == "nats per row"
    assert values["columns"][0]["name"] == "species"
    assert isinstance(values["validation_bound"], float)
    assert "bill_length_mm" in outcome.stderr


def test_fit_says_which_point_masses_were_not_worth_it(tmp_path):
    """Tenths, half of them read off in whole numbers, beside a column that says nearly the same."""
    rng = np.random.default_rng(0)
    x = rng.normal(20, 3, 160)
    tenths = np.where(rng.random(160) < 0.5, np.round(x), np.round(x, 1))
    data = tmp_path / "data.csv"
    pl.DataFrame({"tenths": tenths, "twin": x + rng.normal(0, 0.3, 160)}).write_csv(data)
    small = ["--model", "diffusion", "--components", "1", "--members", "1", "--frequencies", "0"]
    small += ["--width", "16", "--depth", "1", "--dropout", "0", "--seed", "0"]
    small += ["--batch-size", "64", "--max-steps", "150"]
    outcome = run("fit", data, "-o", tmp_path / "model", *small, "--json")
    assert outcome.code == 0, outcome.stderr
    assert "Column 'tenths' goes without point masses" in outcome.stderr
    assert "atoms" not in json.loads(outcome.stdout)["columns"][0]["detail"]


def test_quiet_prints_the_result_only(tmp_path, penguins_path):
    outcome = run("fit", penguins_path, "-o", tmp_path / "model", *BUDGET, "--quiet")
    assert "nats per row" in outcome.stdout
    assert "rounded to 0.1" not in outcome.stdout.split("Base measure")[0]
    assert outcome.stderr == ""


def test_same_seed_same_bytes(tmp_path, penguins_path):
    for name in ("one", "two"):
        options = [*ONCE, "--members", 2, "--seed", 3, "--quiet"]
        assert run("fit", penguins_path, "-o", tmp_path / name, *options).code == 0
    read = lambda name: (tmp_path / name / "model.safetensors").read_bytes()  # noqa: E731
    assert read("one") == read("two")


def test_sample_gives_rows_like_the_table(model, tmp_path, penguins):
    out = tmp_path / "synthetic.csv"
    outcome = run("sample", model, "-n", 50, "-o", out)
    assert outcome.code == 0, outcome.stderr
    frame = pl.read_csv(out)
    assert frame.columns == penguins.columns
    assert frame.height == 50
    assert set(frame["species"]) <= set(penguins["species"])
    assert ((frame["bill_length_mm"] * 10).round(6) % 1 == 0).all()


def test_sample_by_seed(model, tmp_path):
    outs = [tmp_path / name for name in ("a.csv", "b.csv", "c.csv")]
    for out, seed in zip(outs, (1, 1, 2), strict=True):
        assert run("sample", model, "-n", 20, "-o", out, "--seed", seed).code == 0
    assert outs[0].read_bytes() == outs[1].read_bytes() != outs[2].read_bytes()


@pytest.mark.parametrize("ending", ["parquet", "feather", "jsonl", "tsv"])
def test_sample_writes_other_formats(model, tmp_path, ending):
    outcome = run("sample", model, "-n", 5, "-o", tmp_path / f"rows.{ending}", "--json")
    assert json.loads(outcome.stdout)["rows"] == 5
    assert (tmp_path / f"rows.{ending}").stat().st_size > 0


def test_sample_to_stdout_is_csv(model, tmp_path):
    outcome = run("sample", model, "-n", 5, "-o", "-")
    lines = outcome.stdout.splitlines()
    assert lines[0].startswith("species,island")
    assert len(lines) == 6


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("bound", []),
        ("ais", ["ess"]),
        ("smc", ["ess"]),
        ("sandwich", ["ess", "upper", "stderr_upper"]),
    ],
)
def test_score_writes_a_line_for_each_row(model, tmp_path, penguins_path, penguins, method, more):
    data, out, n_rows = penguins_path, tmp_path / "scores.csv", 344
    if method == "sandwich":  # of whole rows
        penguins, data = penguins.drop_nulls(), tmp_path / "whole.csv"
        penguins.write_csv(data)
        n_rows = 333
    outcome = run("score", model, data, "-o", out, "--method", method, "--trajectories", 4)
    assert outcome.code == 0, outcome.stderr
    frame = pl.read_csv(out)
    assert frame.columns == ["log_likelihood", "stderr", *more]
    assert ("Upper side" in outcome.stdout and "asymptotic" in outcome.stdout) == (
        method == "sandwich"
    )
    assert frame.height == n_rows
    assert (
        frame["log_likelihood"].is_finite().all()
    )  # a row with a hole has that of the cells that are there
    assert (frame["stderr"] >= 0).all()
    holes = method != "sandwich"
    assert ("11 of 344 rows have missing cells" in outcome.stderr) == holes
    assert ("of each row's observed cells alone" in outcome.stdout) == holes
    for words in (
        f"Mean log-likelihood of {n_rows} rows",
        "±",
        "nats per row",
        "lower bound",
        "Base measure",
    ):
        assert words in outcome.stdout


def test_score_keeps_the_order_of_rows(model, tmp_path, penguins):
    shuffled = penguins.with_row_index("row").sample(fraction=1, shuffle=True, seed=0)
    penguins.write_parquet(tmp_path / "a.parquet")
    shuffled.drop("row").write_parquet(tmp_path / "b.parquet")
    for name in ("a", "b"):
        assert (
            run(
                "score",
                model,
                tmp_path / f"{name}.parquet",
                "-o",
                tmp_path / f"{name}.csv",
                "--quiet",
            ).code
            == 0
        )
    a = pl.read_csv(tmp_path / "a.csv")["log_likelihood"]
    b = pl.read_csv(tmp_path / "b.csv")["log_likelihood"]
    assert (a[shuffled["row"].to_list()] - b).abs().max() < 1e-3


def test_score_json(model, tmp_path, penguins_path):
    out = tmp_path / "scores.csv"
    outcome = run(
        "score", model, penguins_path, "-o", out, "--method", "ais", "--trajectories", 4, "--json"
    )
    values = json.loads(outcome.stdout)
    assert values["mean"] == pytest.approx(pl.read_csv(out)["log_likelihood"].mean(), abs=1e-4)
    assert values["mean_stderr"] > 0
    assert values["unit"] == "nats per row"
    assert 1 <= values["mean_ess"] <= 4
    assert (values["rows"], values["scored_rows"], values["rows_with_missing_cells"]) == (
        344,
        344,
        11,
    )
    assert "species" in values["base_measure"]


def test_inspect(model):
    outcome = run("inspect", model)
    assert outcome.code == 0, outcome.stderr
    for words in ("bill_length_mm", "Base measure", "validation bound", "max_steps", "jax"):
        assert words in outcome.stdout
    values = json.loads(run("inspect", model, "--json").stdout)
    assert values["training"]["steps"] <= 20
    assert len(values["columns"]) == 8


def test_demo_does_everything(tmp_path, small_fits):
    out = tmp_path / "demo"
    outcome = run("demo", "-o", out, "--max-steps", 20)
    assert outcome.code == 0, outcome.stderr
    assert {path.name for path in out.iterdir()} == {"model", "synthetic.csv", "scores.csv"}
    assert pl.read_csv(out / "synthetic.csv").height == 344
    assert "Synthetic rows" in outcome.stdout
    assert "Mean log-likelihood" in outcome.stdout
    again = run("demo", "-o", out, "--max-steps", 20)
    assert again.code == 2
    assert "--force" in again.stderr
    assert run("demo", "-o", out, "--max-steps", 20, "--force", "--json").code == 0


def test_an_unfinished_fit_is_not_thrown_away(tmp_path, penguins_path):
    model = tmp_path / "model"
    left = checkpoint_folder(str(model))
    (left / "a").mkdir(parents=True)
    (left / "a" / "training.safetensors").write_text("work")
    (left / "notes.txt").write_text("of the user")
    outcome = run("fit", penguins_path, "-o", model, *BUDGET)
    assert outcome.code == 2
    assert "--resume" in outcome.stderr
    assert "--force" in outcome.stderr
    assert (left / "a" / "training.safetensors").exists()
    assert run("fit", penguins_path, "-o", model, *BUDGET, "--force", "--quiet").code == 0
    assert [path.name for path in left.rglob("*")] == ["notes.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_leaves_a_checkpoint_and_resume_gives_the_same_model(tmp_path, penguins_path):
    options = [
        "--model",
        "diffusion",
        "--max-steps",
        "300",
        "--trajectory-length",
        "10",
        "--components",
        "1",
        "--width",
        "16",
    ]
    options += ["--members", "1", "--dropout", "0", "--frequencies", "0"]
    model, whole = tmp_path / "model", tmp_path / "whole"
    command = [
        sys.executable,
        "-m",
        "quasistatic",
        "fit",
        str(penguins_path),
        "-o",
        str(model),
        *options,
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    deadline = time.monotonic() + 120
    checkpoint = checkpoint_folder(str(model))
    while (
        process.poll() is None
        and not any(checkpoint.glob("*/*.safetensors"))
        and time.monotonic() < deadline
    ):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("the fit was done before it could be stopped")
    assert process.returncode == 130, stderr
    assert "--resume" in stderr
    assert "Traceback" not in stderr
    assert not model.exists()
    assert run("fit", penguins_path, "-o", model, *options, "--resume", "--quiet").code == 0
    assert run("fit", penguins_path, "-o", whole, *options, "--quiet").code == 0
    assert (model / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_a_reader_that_goes_away_is_no_error(model):
    command = f'"{sys.executable}" -m quasistatic sample "{model}" -n 5000 -o - | head -n 1'
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.startswith("species,")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_inspect_changes_nothing(model):
    before = contents(model)
    run("inspect", model)
    assert contents(model) == before


def test_version_and_help():
    assert run("--version").stdout.startswith("quasistatic 0.")
    for command in ("fit", "sample", "score", "inspect", "demo"):
        outcome = run(command, "--help")
        assert outcome.code == 0
        assert "Examples" in outcome.stdout


def test_score_of_a_sub_schedule(model, tmp_path, penguins_path):
    outcome = run("score", model, penguins_path, "-o", tmp_path / "s.csv", "--steps", 4, "--json")
    assert json.loads(outcome.stdout)["steps"] == 4
    assert run("sample", model, "-n", 3, "-o", tmp_path / "rows.csv", "--steps", 4).code == 0


def test_the_flow_is_reported_apart(tmp_path):
    rows = pl.DataFrame(
        {name: np.random.default_rng(i).normal(size=60) for i, name in enumerate("ab")}
    )
    rows.write_csv(tmp_path / "numbers.csv")
    assert (
        run("fit", tmp_path / "numbers.csv", "-o", tmp_path / "model", *BUDGET, "--quiet").code == 0
    )
    scored = (
        "score",
        tmp_path / "model",
        tmp_path / "numbers.csv",
        "-o",
        tmp_path / "flow.csv",
        "--method",
        "flow",
    )
    outcome = run(*scored)
    assert outcome.code == 0, outcome.stderr
    assert "a different, deterministic model" in outcome.stdout
    assert pl.read_csv(tmp_path / "flow.csv").columns == ["flow_log_density", "stderr"]


def test_certify_stores_the_certificate(model, tmp_path):
    before = (model / "model.safetensors").read_bytes()
    assert "No certificate yet" in run("inspect", model).stdout
    outcome = run("certify", model, "-n", 40, "--trajectories", 4)
    assert outcome.code == 0, outcome.stderr
    for words in ("Certificate", "±", "nats per row", "Crooks", "Base measure"):
        assert words in outcome.stdout
    assert (model / "model.safetensors").read_bytes() == before
    shown = run("inspect", model)
    assert "No certificate" not in shown.stdout
    assert "4 trajectories of 10 steps" in shown.stdout
    stored = json.loads(run("inspect", model, "--json").stdout)["certificate"]
    assert stored["lower"] < stored["upper"]
    assert stored["seed"] == 0


def test_inspect_ledger(model, penguins, tmp_path):
    penguins.drop_nulls().head(40).write_parquet(tmp_path / "rows.parquet")
    outcome = run("inspect", model, "--ledger", "--data", tmp_path / "rows.parquet")
    assert outcome.code == 0, outcome.stderr
    for words in ("Ledger of 40 rows", "dissipation", "signal (numbers) left", "Verdict", "prior"):
        assert words in outcome.stdout
    values = json.loads(
        run("inspect", model, "--ledger", "--data", tmp_path / "rows.parquet", "--json").stdout
    )["ledger"]
    costs = sum(line["cost"] for line in values["steps"])
    assert -costs + values["log_volume"] == pytest.approx(values["k"], abs=1e-6)

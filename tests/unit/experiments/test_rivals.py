"""The benches of the rivals: their data, their measures, and a run of the smallest size."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from cases import ENERGIES
from quasistatic.cli.app import app
from quasistatic.errors import OutputError, SettingError
from quasistatic.experiments.rivals import annealed, entry, machines, normalisers, running
from quasistatic.experiments.rivals.sizes import Sizes
from quasistatic.rivals import exact
from quasistatic.rivals.boltzmann import BoltzmannMachine
from rivals_oracles import enumerated

TINY = Sizes(
    side=2, seeds=2, rows=200, test=50, known_rows=200, updates=10, paths=20, steps=10,
    repetitions=3, score_updates=10, roll_rows=100, trajectories=4,
)  # fmt: skip


def test_the_glass_is_that_of_the_paper():
    """Columns of J with sum 0, so that no bit prefers 0 or 1; couplings of variance 10."""
    truth = machines.glass(10, 0)
    j = machines._matrix(truth)
    np.testing.assert_allclose(j.sum(axis=0), 0, atol=1e-4)
    np.testing.assert_array_equal(j, j.T)
    off = j[np.triu_indices(100, 1)]
    assert np.sum(off != 0) == 180
    assert 5 < np.var(off[off != 0]) < 18
    small = machines.glass(2, 3)
    rows, p, _ = enumerated(small)
    np.testing.assert_allclose(p @ rows, 0.5, atol=1e-5)
    of_energy = np.exp(-np.einsum("ni,ij,nj->n", rows, machines._matrix(small), rows))
    np.testing.assert_allclose(p, of_energy / of_energy.sum(), atol=1e-5)


def test_errors_of_couplings_and_correlations():
    truth = machines.glass(2, 1)
    known = machines.known(truth, 4000, 100, 0)
    assert machines.errors(known, truth) == {
        "couplings": 0,
        "correlations": 0,
        "products": 0,
    }
    moved = BoltzmannMachine(truth.bias, truth.coupling.at[0].add(-2.0), truth.graph)
    found = machines.errors(known, moved)
    assert abs(found["couplings"] - 2 * 1.0 / 16) < 1e-6  # J_ij and J_ji, by 1 each, of 16 entries
    assert found["correlations"] > 1e-4
    rows, p, _ = enumerated(truth)
    centred = rows - p @ rows
    covariance = (centred * p[:, None]).T @ centred
    scale = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(known.correlations, covariance / np.outer(scale, scale), atol=1e-5)
    np.testing.assert_allclose(known.products, (rows * p[:, None]).T @ rows, atol=1e-5)
    sampled = machines.errors(known, lambda: known.train)
    assert sampled["correlations"] < 6 / 4000
    assert sampled["products"] < 6 / 4000


def test_real_bits():
    rows = machines.penguins()
    assert rows.shape == (333, 9)
    assert set(np.unique(rows)) == {0, 1}
    assert abs(exact.log_prob(machines.of_bits(rows), rows).mean()) < 9 * np.log(2)


def test_a_line_of_several_seeds():
    one = entry.Entry(
        "m", "yes", True, -2.0, True, 1.0, (-3.0, -1.0), True, 1.0, 1.0, 1.0, "exact", {"e": 1.0}
    )
    both = entry.averaged([one, one._replace(log_p=-4.0, holds=False, errors={"e": 3.0})])
    assert both.log_p == -3
    assert both.errors == {"e": 2}
    assert both.holds is False
    assert both.reports == (-3, -1)
    assert "≥ -3.000" in entry.table([both])
    assert "**no**" in entry.table([both])


def test_what_is_said_of_log_z():
    """The share is that of the intervals with the exact value; bounds have one end."""
    truth = machines.glass(2, 2)
    log_z = exact.log_partition(truth)
    found = {
        claim.method.split(",")[0]: claim
        for claim in normalisers.claims(truth, np.zeros(4), paths=50, steps=20, repetitions=4)
    }
    assert found["naive mean field"].high is None
    assert found["naive mean field"].low <= log_z
    assert found["tree-reweighted"].low is None
    assert found["Bennett's ratio"].repetitions == 4
    assert found["annealed importance sampling"].held in (0, 0.25, 0.5, 0.75, 1)
    text = normalisers.table(list(found.values()), log_z)
    assert f"{log_z:.3f}" in text


def test_the_published_example_is_a_line():
    """Both sides around the exact log Z, and how far off each is."""
    energy = ENERGIES["restricted"]
    rows, _, log_z = enumerated(energy)
    found = annealed.annealed("ours", energy, np.zeros(5), rows, paths=50, steps=20, seed=0)
    assert abs(found.log_z - log_z) < 1e-5
    assert abs(found.forward - log_z) < 6 * found.stderr[0]
    assert abs(found.backward - log_z) < 6 * found.stderr[1]
    assert abs(found.log_p - np.mean([energy.log_weight(x) for x in rows]) + log_z) < 1e-4
    text = annealed.table([found])
    assert "| 332.06 | 331.86 | -0.20 | 333.98 | +1.92 | -143.30 |" in text


def test_a_run_writes_numbers_tables_and_the_figure(tmp_path):
    told = []
    metrics = running.run(
        tmp_path / "out", quick=True, benches=["glass"], stage=told.append, sizes=TINY
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "metrics.json",
        "results.md",
        "quality.png",
    }
    stored = json.loads((tmp_path / "out" / "metrics.json").read_text())
    bench = stored["benches"]["glass"]
    best = next(line for line in bench["entries"] if line["method"] == "exact")
    assert best["holds"]
    assert best["log_p"] == metrics["benches"]["glass"]["entries"][0]["log_p"]
    text = (tmp_path / "out" / "results.md").read_text()
    assert "error of couplings" in text
    assert "ICML 2011" not in text  # theirs are of 10 x 10 lattices
    assert any("mpf" in message for message in told)
    with pytest.raises(OutputError):
        running.run(tmp_path / "out", quick=True)
    with pytest.raises(SettingError, match="choose among glass"):
        running.run(tmp_path / "new", quick=True, benches=["nothing"])


def test_the_command_names_the_benches(tmp_path):
    outcome = CliRunner().invoke(
        app, ["reproduce", "rivals", "--quick", "--variant", "ising", "-o", str(tmp_path / "x")]
    )
    assert outcome.exit_code == 2
    assert "glass, glass-models, bits, digits, roll" in outcome.stderr


@pytest.mark.slow
def test_quick(tmp_path):
    metrics = running.run(tmp_path / "out", quick=True)
    assert metrics["seconds"] < 180
    for bench in metrics["benches"].values():
        for line in bench["entries"]:
            assert np.isfinite(line["log_p"])
    bits = {line["method"]: line for line in metrics["benches"]["bits"]["entries"]}
    assert bits["exact"]["gap"] < 0.05
    assert bits["diffusion"]["gap"] < 0.3

"""What the views show: odd rows first, two rows compared, columns given a condition, a walk."""

import re

import numpy as np
import pytest

from quasistatic.data.table import Table
from quasistatic.errors import DataError
from quasistatic.fitted.given import read_given, rows_that_meet
from quasistatic.fitted.walk import walk_row
from quasistatic.serve import table_scores
from quasistatic.serve.reference import Reference
from quasistatic.serve.views import rows
from unit.serve.conftest import NASTY, frame
from unit.serve.test_pages import last_parts


def rows_of(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'/row\?row=(\d+)"', html)]


def ask(client, view, **params):
    return last_parts(client.get(f"/ask/{view}", params=params).text)


def test_rows_are_ordered_by_their_oddest_cell(client):
    found = ask(client, "rows")["rows-told"]
    assert "60 rows" in found
    assert len(rows_of(found)) == 25
    oddness = [float(x.replace(",", "")) for x in re.findall(r"1 in ([\d,]+)", found)]
    assert oddness == sorted(oddness, reverse=True)
    assert oddness[0] > 3
    assert rows_of(found) != rows_of(ask(client, "rows", order="row")["rows-told"])
    assert rows_of(ask(client, "rows", order="table", page="3")["rows-told"]) == list(range(51, 61))


def test_rows_are_those_that_meet_the_condition(client):
    found = ask(client, "rows", given="kind=a; mass_g > 10", order="table")["rows-told"]
    table = frame().with_row_index("row", offset=1)
    wanted = table.filter((table["kind"] == "a") & (table["mass_g"] > 10))["row"].to_list()
    assert rows_of(found) == wanted[:25]
    assert "No row is like that" in ask(client, "rows", given="mass_g > 1000")["rows-told"]


@pytest.mark.parametrize(
    ("given", "meets"),
    [
        (["kind=a"], lambda r: r["kind"] == "a"),
        (["kind=a|" + NASTY], lambda r: True),
        (["10 <= mass_g < 12.5"], lambda r: 10 <= r["mass_g"] < 12.5),
        (["count>3"], lambda r: r["count"] is not None and r["count"] > 3),
        (["count=4"], lambda r: r["count"] == 4),
        (["mass_g - count < 7"], lambda r: r["count"] is not None and r["mass_g"] - r["count"] < 7),
    ],
)
def test_a_condition_finds_the_rows_that_python_finds(subject, given, meets):
    conditions = read_given(given, ["kind"], subject.schema.names)
    found = rows_that_meet(Table(frame()), subject.schema, conditions)
    expected = [meets(row) for row in frame().to_dicts()]
    assert found.tolist() == expected
    assert any(expected)


def test_two_rows_are_compared_by_their_log_p(client):
    two = {"c.kind": "a", "c.mass_g": "10", "c.count": "4"}
    two |= {"bc.kind": "a", "bc.mass_g": "16", "bc.count": "4"}
    found = ask(client, "whatif", **two)
    assert re.search(r"B is [\d.,]+ times as unlikely as A", found["difference"])
    same = ask(client, "whatif", **{k: "10" if k == "bc.mass_g" else v for k, v in two.items()})
    assert "About equally likely" in same["difference"]
    holed = ask(client, "whatif", **{k: v for k, v in two.items() if k != "bc.count"})
    assert "cannot be compared" in holed["difference"]


def test_columns_are_shown_given_a_condition_with_its_probability(client):
    found = ask(client, "columns", given="kind=a", x="mass_g", y="kind")
    real = (frame()["kind"] == "a").mean()
    assert f"<strong>{100 * real:.1f} %</strong> of the real ones" in found["condition"]
    percent = float(re.search(r"<strong>([\d.]+) %</strong> of the model", found["condition"])[1])
    assert abs(percent - 100 * real) < 15
    assert found["pair"].count("<svg") == 2
    assert found["marginals"].count("<svg") == 3


def test_a_row_goes_to_noise_and_comes_back_as_a_row(density):
    fitted, row = density.fitted_, Table(frame().head(1))
    found = walk_row(fitted, row, draws=256, key=fitted.key(0))
    T = fitted.model.trajectory_length
    assert found.destroyed.height == found.remade.height == T + 1
    assert found.destroyed.row(0) == frame().row(0)
    assert found.destroyed.row(T) == found.remade.row(0)
    assert None not in found.remade.row(T)
    assert found.k_nats == pytest.approx(found.log_volume - found.nats.sum())
    exact = density.log_likelihood(frame().head(1), "ais", 64).lower[0]
    assert abs(found.k_nats - exact) < 5 * found.k_stderr + 0.05
    assert np.isfinite(found.stderr).all()
    with pytest.raises(DataError, match="2 rows"):
        walk_row(fitted, Table(frame().head(2)), key=fitted.key(0))


def test_the_trajectory_tells_its_cost_and_leads_to_the_row_that_was_made(client):
    found = ask(client, "trajectory", row="1")
    assert "K = -" in found["costs"]
    assert found["ways"].count("<svg") == 3
    address = re.search(r'href="(/row\?[^"]+)"', found["remade"])[1].replace("&amp;", "&")
    assert "log p" in last_parts(client.get(f"/ask{address}").text)["answer"]
    assert ask(client, "trajectory", row="1", seed="1")["ways"] != found["ways"]


def test_a_table_that_takes_too_long_is_shown_as_far_as_it_is_scored(subject, quick, monkeypatch):
    monkeypatch.setattr(rows, "_SECONDS", -1.0)
    monkeypatch.setattr(table_scores, "_SCORED_AT_ONCE", 16)
    steps = list(rows.ROWS.parts(Reference(subject), {"order": "row"}))
    told = steps[-1]["rows-told"][1]
    assert (told["found"], told["scored"]) == (60, 16)
    assert [line["log_p"] == "" for line in told["lines"]] == 16 * [False] + 9 * [True]

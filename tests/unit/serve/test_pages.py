"""The pages: forms that an address fills, answers that come in parts, and nothing that runs."""

import json
import re
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from quasistatic.serve.app import application
from quasistatic.serve.guard import Rules
from quasistatic.serve.limits import Limits
from quasistatic.serve.pages_of import VIEWS
from quasistatic.serve.subject import Subject
from unit.serve.conftest import ADDRESS, NASTY

OF_TABLES = [view for view in VIEWS if view.shows == "table"]


def events(text: str) -> list[tuple[str, dict]]:
    """Kind and data of server-sent events."""
    found = re.findall(r"event: (\w+)\ndata: (.*)\n\n", text)
    return [(kind, json.loads(data)) for kind, data in found]


def tags(html: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """Every tag of a text, with its attributes."""
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append((tag, attrs))

    Reader().feed(html)
    return found


def last_parts(text: str) -> dict[str, str]:
    parts = {}
    for kind, data in events(text):
        assert kind in ("parts", "done"), data
        parts |= data if kind == "parts" else {}
    return parts


@pytest.mark.parametrize("view", OF_TABLES, ids=lambda view: view.title)
def test_every_view_has_a_page_and_an_answer(client, view):
    page = client.get(view.path)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    answer = client.get(f"/ask{view.path}")
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = last_parts(answer.text)
    assert found
    ids = set(re.findall(r' id="([^"]+)"', page.text))
    assert set(found) <= ids, "a part without a place"


@pytest.mark.parametrize("view", OF_TABLES, ids=lambda view: view.title)
def test_what_the_data_say_is_text(client, view):
    params = {"row": "1", "c.kind": NASTY, "given": f"kind={NASTY}"}
    texts = [client.get(view.path, params=params).text]
    texts += list(last_parts(client.get(f"/ask{view.path}", params=params).text).values())
    for text in texts:
        assert NASTY not in text
        for tag, attributes in tags(text):
            assert tag != "script" or dict(attributes) == {
                "src": "/static/explore.js",
                "defer": None,
            }
            assert tag not in ("style", "iframe", "object", "base", "img")
            for name, value in attributes:
                assert not name.startswith("on")
                assert name != "style"
                assert name not in ("href", "src", "action") or value.startswith(("/", "#"))


def test_a_row_of_the_table_fills_the_form(client):
    page = client.get("/row", params={"row": "8"})
    assert "Row 8 of 60" in page.text
    assert re.search(r'name="c.mass_g"[^>]* value="\d+(\.\d)?"', page.text)
    assert re.search(r'name="c.count"[^>]* value=""', page.text), "its hole is unknown"


def test_a_whole_row_is_told_from_both_sides_with_its_percentile(client):
    found = last_parts(client.get("/ask/row", params={"row": "1"}).text)
    assert "More likely than" in found["answer"]
    assert "log p ≥" in found["answer"]
    assert "≤" in found["answer"]
    assert "surprise" in found["c1-told"]


def test_an_unknown_cell_gets_its_distribution(client):
    found = last_parts(client.get("/ask/row", params={"c.kind": "a"}).text)
    assert "<svg" in found["c1-told"]
    assert "most probably" in found["c1-told"]
    numbers = re.search(r"<strong>([\d.]+)</strong>.* 90 %: ([\d.]+) to ([\d.]+)", found["c1-told"])
    mode, low, high = map(float, numbers.groups())
    assert low < 9 < mode < 11.5 < high, "the masses of its kind"


def test_the_answer_of_before_comes_at_once_and_is_the_same(client):
    first = client.get("/ask/row", params={"row": "2"}).text
    again = events(client.get("/ask/row", params={"row": "2"}).text)
    assert [kind for kind, _ in again] == ["parts", "done"]
    assert again[1][1]["remembered"]
    assert again[0][1] == last_parts(first)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"row": "61"}, "no row"),
        ({"row": "x" * 100}, "no row"),
        ({"c.mass_g": "heavy"}, "no number"),
        ({"c.kind": "neither"}, "no category"),
        ({"c.mass_g": "1e999"}, "infinite"),
    ],
)
def test_a_row_that_cannot_be_is_told(client, params, words):
    ((kind, told),) = events(client.get("/ask/row", params=params).text)
    assert kind == "refused"
    assert words in told["what"]
    assert client.get("/row", params=params).status_code in (200, 422)


def test_a_stream_that_finds_no_place_is_refused_by_its_status(subject, client):
    """And one that is remembered needs none."""
    full = application(subject, Rules(limits=Limits(questions=0)))
    asked = {"params": {"row": "1"}}
    refused = TestClient(full, base_url=ADDRESS).get("/ask/row", **asked)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert "wait already" in refused.json()["error"]["what"]
    before = client.get("/metrics").text
    assert "quasistatic_questions_open 0" in before


def test_the_front_door_leads_to_the_first_view(client):
    assert client.get("/", follow_redirects=False).headers["location"] == VIEWS[0].path


def test_files_of_the_page_are_there_and_small(client):
    page = client.get("/row").text
    for path in set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page)):
        assert client.get(path).status_code == 200
        assert len(client.get(path).content) < 20_000
    assert not re.search(r"https?://", page)


def test_without_a_table_there_is_no_view_of_one_and_sliders_have_the_models_range(density, quick):
    bare = TestClient(application(Subject.of("tiny", density, None, "")), base_url=ADDRESS)
    page = bare.get("/row").text
    assert "/rows" not in page
    assert bare.get("/rows").status_code == 404
    low, high = re.search(r'min="([^"]+)" max="([^"]+)" step="0.1"', page).groups()
    assert float(low) < 8 < 16 < float(high)

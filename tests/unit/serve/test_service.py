"""The JSON endpoints: the numbers of Python, the declared shapes, and one clear refusal."""

import json

import numpy as np
import polars as pl
import pytest
from starlette.testclient import TestClient

from quasistatic.records import check
from quasistatic.serve.app import application
from quasistatic.serve.endpoints import ABOUT, ENDPOINTS
from unit.serve.conftest import NASTY, frame

ROWS = [{"kind": "a", "mass_g": 10.5, "count": 4}, {"kind": NASTY, "mass_g": 8.0, "count": 3}]
QUESTIONS = {
    "/api/score": {"rows": ROWS, "trajectories": 8},
    "/api/sample": {"n": 3},
    "/api/impute": {"rows": [{"kind": "a"}], "draws": 2, "particles": 16},
    "/api/condition": {"given": ["kind=a", "9 <= mass_g < 11"], "n": 5, "particles": 16},
    "/api/explain": {"rows": ROWS},
}


def test_scores_are_those_of_python(client, density):
    found = client.post("/api/score", json=QUESTIONS["/api/score"]).json()
    rows = pl.DataFrame(ROWS, schema=frame().schema)
    own = density.log_likelihood(rows, "ais", 8, random_state=0)
    np.testing.assert_allclose(found["log_p"], own.lower, atol=1e-4)
    assert found["unit"] == own.unit
    assert found["base_measure"] == own.base_measure


def test_answers_are_as_they_are_declared(client):
    for endpoint in ENDPOINTS:
        answer = client.post(endpoint.path, json=QUESTIONS[endpoint.path])
        assert answer.status_code == 200, answer.text
        check(endpoint.described.answers, answer.json())
    check(ABOUT.answers, client.get(ABOUT.path).json())
    assert set(QUESTIONS) == {endpoint.path for endpoint in ENDPOINTS}


def test_fillings_keep_what_is_known_and_fill_the_rest(client):
    found = client.post("/api/impute", json=QUESTIONS["/api/impute"]).json()
    assert len(found["tables"]) == 2
    for (row,) in found["tables"]:
        assert row["kind"] == "a"
        assert None not in row.values()


def test_cells_may_be_texts_and_come_back_as_they_are_known(client):
    asked = {"rows": [{"kind": "a", "mass_g": "10.5", "count": True}], "draws": 1}
    ((row,),) = client.post("/api/impute", json=asked).json()["tables"]
    assert row == {"kind": "a", "mass_g": 10.5, "count": 1}


def test_conditioned_rows_meet_the_condition(client):
    found = client.post("/api/condition", json=QUESTIONS["/api/condition"]).json()
    assert len(found["rows"]) == 5
    for row in found["rows"]:
        assert row["kind"] == "a"
        assert 9 <= row["mass_g"] < 11
    assert found["log_evidence"] < 0


def test_the_odd_cell_is_blamed(client):
    usual, odd = client.post("/api/explain", json=QUESTIONS["/api/explain"]).json()["rows"]
    assert odd["blame"] in ("kind", "mass_g")
    assert odd["surprise"]["mass_g"] > 3 > usual["surprise"]["mass_g"]


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/api/score", b"{", 400, "no JSON"),
        ("/api/score", b"[]", 400, "no object"),
        ("/api/score", b"{}", 400, "missing keys"),
        ("/api/score", b'{"rows": []}', 400, "not between"),
        ("/api/score", b'{"rows": [{"kind": NaN}]}', 400, "NaN"),
        ("/api/score", b'{"rows": [{"kind": "a"}], "else": 1}', 400, "unknown keys"),
        ("/api/score", b'{"rows": [{"mass": 1}]}', 422, "unknown column"),
        ("/api/score", b'{"rows": [{"kind": "c"}]}', 422, "no category"),
        ("/api/score", b'{"rows": [{"mass_g": "heavy"}]}', 422, "no number"),
        ("/api/score", b'{"rows": [{"mass_g": 1}], "method": "sandwich"}', 422, "whole rows"),
        ("/api/score", b'{"rows": [{"kind": "\\ud800"}]}', 400, "half of a character"),
        ("/api/sample", b'{"n": 1001}', 400, "not between"),
        ("/api/condition", b'{"given": ["kind"]}', 422, "no condition"),
        ("/api/condition", b'{"given": ["count>1", "count>2"]}', 422, "two limits"),
        ("/api/score", b" " * 20_001, 413, "20000 bytes"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_one_sentence(client, path, body, status, words):
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert words in error["what"]
    assert error["request_id"] == answer.headers["x-request-id"]
    assert "/" not in error["where"]
    assert "Traceback" not in answer.text


def test_the_same_question_is_answered_from_memory(client):
    def remembered() -> int:
        lines = client.get("/metrics").text.splitlines()
        (line,) = (x for x in lines if x.startswith("quasistatic_answers_remembered"))
        return int(line.split()[-1])

    asked = {"n": 4, "seed": 11}
    first, before = client.post("/api/sample", json=asked), remembered()
    again = client.post("/api/sample", json=asked)
    assert again.content == first.content
    assert remembered() == before + 1
    assert client.post("/api/sample", json=asked | {"seed": 12}).content != first.content


def test_the_document_describes_every_endpoint(client):
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {ABOUT.path, *QUESTIONS}
    text = json.dumps(document)
    for name in ("Score", "Scored", "Explained", "Cells", "Refusal"):
        assert f'"#/components/schemas/{name}"' in text
        assert name in document["components"]["schemas"]
    score = document["components"]["schemas"]["Score"]
    assert score["required"] == ["rows"]
    assert score["properties"]["rows"]["maxItems"] == 1000
    assert score["properties"]["method"]["default"] == "ais"


def test_metrics_count_routes_and_no_paths_that_were_made_up(client):
    client.get("/no/such/path")
    text = client.get("/metrics").text
    assert 'quasistatic_requests_total{route="other",status="404"}' in text
    assert "no/such" not in text


def test_without_pages_there_are_the_endpoints_alone(subject):
    bare = TestClient(application(subject, pages=False), base_url="http://localhost")
    assert bare.get("/row").status_code == 404
    assert bare.get("/api/schema").json()["model"] == "tiny"

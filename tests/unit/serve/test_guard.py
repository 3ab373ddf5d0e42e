"""Nobody else gets in: names of hosts, origins, tokens, bodies, and the headers of every answer."""

import json

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from quasistatic.serve.guard import HEADERS, Guard, Rules
from quasistatic.serve.limits import Limits
from quasistatic.serve.metrics import Metrics

TOKEN = "a-token-of-many-letters"


async def echo(scope, receive, send):
    """Answers with the body."""
    body = (await receive())["body"]
    await PlainTextResponse(body)(scope, receive, send)


def refusal(refused, request_id):
    body = json.dumps({"what": refused.what, "request_id": request_id}).encode()
    return refused.status, {"content-type": "application/json"}, body


def guarded(address="http://127.0.0.1:8000", **rules) -> TestClient:
    guard = Guard(echo, Rules(**rules), Metrics(), refusal, frozenset({"/"}))
    return TestClient(guard, base_url=address)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("localhost:1", 200),
        ("LOCALHOST", 200),
        ("[::1]:8000", 200),
        ("evil.example:8000", 403),
        ("127.0.0.1.evil.example", 403),
        ("127.0.0.1@evil.example", 403),
        ("localhost:8000:8000", 403),
        ("", 403),
    ],
)
def test_a_foreign_host_is_refused(host, status):
    assert guarded().get("/", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:8000"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "https://127.0.0.1:8000"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),  # a link is followed
    ],
)
def test_a_foreign_page_is_refused(headers, status):
    assert guarded().get("/", headers=headers).status_code == status


def test_a_foreign_form_is_refused_however_it_is_sent():
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    asked = {"Content-Type": "application/json"} | foreign
    assert guarded().post("/", content=b"{}", headers=asked).status_code == 403
    plain = guarded().post("/", content=b"{}", headers={"Content-Type": "text/plain"})
    assert plain.status_code == 415
    assert guarded().options("/", headers={"Origin": "http://evil.example"}).status_code == 403


def test_every_answer_has_the_headers_and_none_lets_others_read():
    for answer in (guarded().get("/"), guarded().get("/", headers={"Host": "evil.example"})):
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert "default-src 'self'" in HEADERS["content-security-policy"]
    assert "unsafe" not in HEADERS["content-security-policy"]


def test_a_token_is_asked_for_everywhere_but_at_the_health_of_the_service():
    client = guarded("http://a-machine:80", hosts=(), token=TOKEN)
    assert client.get("/").status_code == 401
    for wrong in ("Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer \xff"):
        assert (
            client.get("/", headers={"Authorization": wrong.encode("latin-1")}).status_code == 401
        )
    assert client.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get("/healthz").status_code == 200
    assert TOKEN not in repr(Rules(token=TOKEN))


def test_bodies_are_bounded_also_where_their_length_is_not_told():
    client = guarded(limits=Limits(body_bytes=10))
    asked = {"Content-Type": "application/json"}
    assert client.post("/", content=b"0123456789", headers=asked).text == "0123456789"
    assert client.post("/", content=b"0123456789a", headers=asked).status_code == 413
    parts = client.post("/", content=iter([b"01234", b"56789", b"a"]), headers=asked)
    assert parts.status_code == 413


def test_request_ids_are_kept_where_they_are_plain():
    client = guarded()
    given = client.get("/", headers={"X-Request-Id": "job-7"})
    assert given.headers["x-request-id"] == "job-7"
    other = client.get("/", headers={"X-Request-Id": "a<b>\tc"})
    assert other.headers["x-request-id"].isalnum()

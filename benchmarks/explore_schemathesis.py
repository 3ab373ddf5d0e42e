"""Thousands of made-up requests to the service of the penguins: none may be a server's error.

    pip install schemathesis
    python benchmarks/explore_schemathesis.py [CASES]

Requests come from the service's own OpenAPI document, half of them against it. Checked are the
status (no 5xx but 503 with Retry-After) and that every answer is as the document says. A client
waits for longer than the service takes for a question at most.
"""

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx2
import hypothesis
import schemathesis
import uvicorn
from hypothesis import strategies
from schemathesis.specs.openapi.checks import response_schema_conformance

from quasistatic import DiffusionDensity
from quasistatic.data.files import read_table
from quasistatic.serve.app import application
from quasistatic.serve.limits import Limits
from quasistatic.serve.running import address_of, bound
from quasistatic.serve.subject import Subject

TABLE = Path(__file__).resolve().parents[1] / "examples" / "penguins.csv"


def main(cases: int) -> None:
    """Serve a mixture of the penguins in a thread, and ask."""
    density = DiffusionDensity(model="mixture", random_state=0).fit(read_table(TABLE))
    app = application(Subject.of("penguins", density, None, ""), pages=False)
    with bound("127.0.0.1", 0) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            attack(address_of(listening).rstrip("/"), cases)
        finally:
            server.should_exit = True
            thread.join()


def asking(address: str, seen: Counter[str]) -> Callable[[schemathesis.Case], None]:
    """A function that sends one request, and checks its answer."""

    def ask(case: schemathesis.Case) -> None:
        response = case.call(base_url=address, timeout=2 * Limits().seconds)
        seen[f"{case.operation.path} {response.status_code}"] += 1
        retry = "retry-after" in {name.lower() for name in response.headers}
        if response.status_code >= 500 and not (response.status_code == 503 and retry):
            raise AssertionError(f"{case.as_curl_command()}\n{response.text}")
        case.validate_response(response, checks=[response_schema_conformance])

    return ask


def attack(address: str, cases: int) -> None:
    """As many cases as asked for, over all operations."""
    while httpx2.get(f"{address}/healthz").json()["calibrated"] < 1:
        time.sleep(0.5)
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    seen: Counter[str] = Counter()
    for operation in operations:
        asked = 1 if operation.method.upper() == "GET" else -(-cases // (len(operations) - 1))
        hostile = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
        made = strategies.one_of(operation.as_strategy(), hostile)
        hypothesis.settings(
            max_examples=asked,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )(hypothesis.given(made)(asking(address, seen)))()
    for line, number in sorted(seen.items()):
        print(f"{line}: {number}")
    print(f"{sum(seen.values())} cases, 0 server errors")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)

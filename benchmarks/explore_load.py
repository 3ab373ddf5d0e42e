"""Two hundred clients at once at the service of the penguins: seconds of answers, and memory.

    python benchmarks/explore_load.py [MODEL]

Every client asks over loopback, for a while, the same remembered question and questions of its own
(first answers, of rows that nobody has asked about). Printed are the 95th percentiles of each, the
statuses, and the memory of the service before and after. Without MODEL the model is fitted first.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from quasistatic import DiffusionDensity
from quasistatic.data.files import read_table

CLIENTS, SECONDS = 200, 20.0
TABLE = Path(__file__).resolve().parents[1] / "examples" / "penguins.csv"
BODY = {"species": "Adelie", "island": "Biscoe", "sex": "male", "year": 2008}


async def request(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, bytes, float]:
    """Status, what was read, and seconds until the first piece of the answer's body was there."""
    begin = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    found = await reader.readuntil(b"\r\n\r\n")
    found += await reader.read(1 << 16)
    seconds = time.perf_counter() - begin
    writer.close()
    return int(found.split(b" ", 2)[1]), found, seconds


def row_of(number: int) -> str:
    """The address of a question that nobody has asked."""
    cells = BODY | {"bill_length_mm": 38 + number % 200 / 10, "bill_depth_mm": 18.0}
    cells |= {"flipper_length_mm": 190 + number // 200 % 30, "body_mass_g": 3800}
    return "/ask/row?" + "&".join(f"c.{name}={value}" for name, value in cells.items())


async def client(number: int, port: int, until: float, told: dict[str, list[float]], seen: Counter):
    """One of two hundred: remembered answers, and every tenth question a new one."""
    asked = json.dumps({"rows": [BODY], "trajectories": 16}).encode()
    turn = number % 10
    await asyncio.sleep(number / CLIENTS)
    while time.perf_counter() < until:
        new = turn % 10 == 9
        if new:
            status, body, seconds = await request(port, "GET", row_of(number + CLIENTS * turn))
            kind = "first answer" if b"event: parts" in body else "turned away"
        else:
            status, _, seconds = await request(port, "POST", "/api/score", asked)
            kind = "remembered"
        seen[f"{kind} {status}"] += 1
        told.setdefault(kind, []).append(seconds)
        turn += 1
        await asyncio.sleep(1.0)


def memory(process: int) -> float:
    """Resident memory of a process, MiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def attack(port: int, process: int) -> None:
    """Wait for the model, then everyone at once."""
    while b'"calibrated":1.0' not in (await request(port, "GET", "/healthz"))[1]:
        await asyncio.sleep(0.5)
    for number in range(3):
        await request(port, "GET", row_of(10**6 + number))
    alone = [(await request(port, "GET", row_of(2 * 10**6 + n)))[2] for n in range(20)]
    print(f"first answer, one client: p95 {np.quantile(alone, 0.95):.3f} s")
    await asyncio.sleep(5)
    for turn in range(3):
        told, seen = {}, Counter()
        until = time.perf_counter() + SECONDS
        await asyncio.gather(*(client(n, port, until, told, seen) for n in range(CLIENTS)))
        for kind, seconds in sorted(told.items()):
            p95, most = np.quantile(seconds, 0.95), max(seconds)
            print(f"{kind}: {len(seconds)} answers, p95 {p95:.3f} s, longest {most:.3f} s")
        print(f"round {turn + 1}: {dict(seen)}; memory {memory(process):.0f} MiB")


def main(model: str | None) -> None:
    """Serve the penguins in a process of their own, and ask."""
    if model is None:
        density = DiffusionDensity(random_state=0, max_minutes=1).fit(read_table(TABLE))
        model = str(Path(tempfile.mkdtemp()) / "model")
        density.save(model)
    command = [sys.executable, "-m", "quasistatic", "explore", model, str(TABLE), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        port = int(service.stdout.readline().split("127.0.0.1:")[1].split("/")[0])
        try:
            asyncio.run(attack(port, service.pid))
        finally:
            service.terminate()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)

"""A process that was forked after use is told so within a second, in place of waiting for ever."""

import json
import subprocess
import sys
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "golden" / "binary"
QUESTIONS = (
    "density.score_samples(rows)",
    "density.sample(2)",
    "load(folder)",
    "density.condition({'q0': 0})",
    "density.impute(rows, 1)",
    "density.sub_schedule(2)",
    "type(density)(model='mixture', components=2).fit(rows)",
)
CODE = """
import json, os, sys, time, warnings
warnings.simplefilter("ignore")
from quasistatic.errors import QuasistaticError
from quasistatic.estimator.loading import load

folder, *questions = sys.argv[1:]
density = load(folder)
rows = density.fitted_.codec.decode([__import__("numpy").zeros((4, 8), "int32")])
found = {}
for question in questions:
    child = os.fork()
    if child == 0:
        try:
            eval(question)
        except QuasistaticError as error:
            os._exit(0 if "forked" in str(error) else 2)
        os._exit(1)
    start = time.monotonic()
    while time.monotonic() - start < 1 and not (ended := os.waitpid(child, os.WNOHANG))[0]:
        time.sleep(0.01)
    if not ended[0]:
        os.kill(child, 9)
        ended = os.waitpid(child, 0)
    found[question] = os.waitstatus_to_exitcode(ended[1])
print(json.dumps(found))
"""


def test_a_forked_process_is_told_within_a_second():
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(GOLDEN), *QUESTIONS],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert json.loads(done.stdout) == dict.fromkeys(QUESTIONS, 0)

"""Search for inputs that reach new lines: atheris where it is installed, else hypothesis.

    python -m attack.guided TARGET SECONDS [FOLDER]

One JSON object is printed at the end. What breaks is kept in FOLDER (default: a temporary one),
smallest first; the least of it belongs into `corpus/` or `finds.py`.
"""

import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "golden"
GOOD = ("read", "refused", "used", "loaded")
TARGETS = (
    *("csv", "csv.gz", "csv.zst", "jsonl", "parquet", "arrow", "npy", "npz", "idx", "png", "xlsx"),
    *("given", "where", "schema", "folder"),
)
Try = Callable[[bytes], str]


def target(name: str, base: Path) -> tuple[Try, list[bytes]]:
    """What is done with an input, and good inputs to begin with.

    Args:
        name: one of `TARGETS`.
        base: empty folder to work in.
    """
    if name == "folder":
        return _folder(base)
    if name in ("given", "where"):
        return _conditions(name, base)
    from attack import readers, schemas

    if name == "schema":
        from quasistatic.cli.fitting import _read_json

        table, whole = schemas.read(base)

        def schema(data: bytes) -> str:
            (base / "s.json").write_bytes(data)
            return readers.outcome_of(
                lambda: readers.go_through(table, _read_json(str(base / "s.json")))
            )

        return schema, [json.dumps(whole).encode(), json.dumps(schemas.PARTIAL).encode()]
    ending = {"png": "/0.png"}.get(name, f".{name}")
    return lambda data: readers.outcome(readers.write(data, ending, base)), [
        *readers.seeds()[ending]
    ]


def _conditions(name: str, base: Path) -> tuple[Try, list[bytes]]:
    from attack import conditions, schemas
    from quasistatic.data.columns.alternatives import infer_schemas
    from quasistatic.estimator.loading import load

    table, _ = schemas.read(base)
    options, density = infer_schemas(table, None), load(GOLDEN / "mixed")

    def ask(data: bytes) -> str:
        texts = data.decode(errors="surrogateescape").split("\n")
        if name == "given":
            return conditions.outcome_given(density, texts)
        return conditions.outcome_where(table, options, texts)

    good = conditions.GIVEN if name == "given" else conditions.WHERE
    return ask, [text.encode() for text in good]


def _folder(base: Path) -> tuple[Try, list[bytes]]:
    """The first byte of an input names the file, the others are its content."""
    from attack import folders

    good, path = GOLDEN / "mixed", base / "m"
    shutil.copytree(good, path)

    def load_and_look(data: bytes) -> str:
        file = folders.FILES[data[0] % 3] if data else "config.json"
        (path / file).write_bytes(data[1:])
        if file != "manifest.json":
            folders.sealed(path)
        try:
            return folders.outcome(path, folders.look)
        finally:
            shutil.copy(good / file, path / file)
            shutil.copy(good / "manifest.json", path / "manifest.json")

    return load_and_look, [
        bytes([i]) + (good / file).read_bytes() for i, file in enumerate(folders.FILES)
    ]


class Record:
    """Counts of outcomes, and the smallest input of every kind of broken thing.

    Args:
        case: what is done with an input.
        folder: folder for inputs that broke something.
        seconds: time that the search may take.
    """

    def __init__(self, case: Try, folder: Path, seconds: float) -> None:
        self._case, self._folder = case, folder
        self._end = time.monotonic() + seconds
        self.found: Counter[str] = Counter()
        self._least: dict[str, int] = {}
        self.slowest = 0.0

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self._end

    def __call__(self, data: bytes) -> str:
        begun = time.monotonic()
        what = self._case(data)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        self.found[what] += 1
        if what not in GOOD and len(data) < self._least.get(what, sys.maxsize):
            self._least[what] = len(data)
            name = hashlib.sha256(what.encode()).hexdigest()[:12]
            (self._folder / name).write_bytes(data)
            (self._folder / f"{name}.txt").write_text(what, errors="backslashreplace")
        return what

    def printed(self, engine: str) -> str:
        """The counts as JSON."""
        good = {what: self.found[what] for what in GOOD if self.found[what]}
        broken = {what: count for what, count in self.found.items() if what not in GOOD}
        tried = sum(self.found.values())
        counts = {"engine": engine, "tried": tried, **good, "broken": broken}
        return json.dumps(counts | {"slowest_s": round(self.slowest, 2)})


def by_coverage(record: Record, good: list[bytes], base: Path) -> None:
    """Search with atheris, which prints the counts and ends the process."""
    import atheris

    (base / "corpus").mkdir()
    for i, data in enumerate(good):
        (base / "corpus" / str(i)).write_bytes(data)

    def one(data: bytes) -> None:
        record(data)
        if record.is_over:
            print(record.printed("atheris"), flush=True)
            shutil.rmtree(base)
            os._exit(0)

    limits = ("-max_len=65536", "-rss_limit_mb=2048", "-timeout=60", "-verbosity=0")
    atheris.Setup([sys.argv[0], *limits, str(base / "corpus")], one)
    atheris.Fuzz()


def by_properties(record: Record, good: list[bytes]) -> None:
    """Search with hypothesis, which knows no coverage but makes its finds small."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    from attack.mutation import mutated

    @settings(max_examples=500, deadline=None, database=None, suppress_health_check=HealthCheck)
    @given(st.randoms(use_true_random=False))
    def search(rng: random.Random) -> None:
        if not record.is_over:
            what = record(mutated(rng.choice(good), rng, tuple(good)))
            assert what in GOOD, what

    while not record.is_over:
        try:
            search()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
    print(record.printed("hypothesis"))


def main(name: str, seconds: float, folder: Path) -> None:
    """Search for some seconds.

    Args:
        name: one of `TARGETS`.
        seconds: time that it may take.
        folder: folder for inputs that broke something.
    """
    warnings.simplefilter("ignore")
    in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    base = Path(tempfile.mkdtemp(dir=in_memory))
    guided = find_spec("atheris") is not None
    (base / "work").mkdir()
    if guided:
        import atheris

        with atheris.instrument_imports(include=["quasistatic"]):
            case, good = target(name, base / "work")
            for data in good:
                case(data)  # modules that are imported on the way
    else:
        case, good = target(name, base / "work")
    folder.mkdir(parents=True, exist_ok=True)
    record = Record(case, folder, seconds)
    if guided:
        by_coverage(record, good, base)
    else:
        by_properties(record, good)
        shutil.rmtree(base)


if __name__ == "__main__":
    where = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(tempfile.mkdtemp())
    main(sys.argv[1], float(sys.argv[2]), where)

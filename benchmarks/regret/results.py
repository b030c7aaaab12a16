"""The file of runs: one JSON line each, appended as it ends, read to resume."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.regret.simulate import Run

Key = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True)
class Line:
    """A run and the version of the engine's code."""

    run: Run
    version: str

    @property
    def key(self) -> Key:
        """What may be run once per version."""
        run = self.run
        return run.workload, run.engine, run.seed, run.repeat


def read_lines(path: Path) -> list[Line]:
    """Every complete line of a file; none if there is no file.

    A last line that was cut off while it was written is left out.
    """
    if not path.exists():
        return []
    found = []
    for text in path.read_text().splitlines():
        try:
            document = json.loads(text)
        except json.JSONDecodeError:
            continue
        version = document.pop("version")
        found.append(Line(Run(**document), version))
    return found


def append_line(path: Path, line: Line) -> None:
    """Write one line at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(asdict(line.run) | {"version": line.version}) + "\n")


def select_newest(lines: Iterable[Line]) -> list[Line]:
    """The runs of each engine's newest version, each once."""
    every = list(lines)
    version = {line.run.engine: line.version for line in every}
    latest = {
        line.key: line for line in every if line.version == version[line.run.engine]
    }
    return list(latest.values())

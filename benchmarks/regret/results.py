"""The file of runs: a JSON line is appended for each, and read to resume."""

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
        """Identity of the run; each is made once per version."""
        run = self.run
        return run.workload, run.engine, run.seed, run.repeat


def read_lines(path: Path) -> list[Line]:
    """Return the complete lines of a file; none if there is no file.

    A last line that was cut off while it was written is left out.
    """
    if not path.exists():
        return []
    lines = []
    for text in path.read_text().splitlines():
        try:
            document = json.loads(text)
        except json.JSONDecodeError:
            continue
        version = document.pop("version")
        lines.append(Line(Run(**document), version))
    return lines


def append_line(path: Path, line: Line) -> None:
    """Append one line to the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(asdict(line.run) | {"version": line.version}) + "\n")


def select_newest(lines: Iterable[Line]) -> list[Line]:
    """Return the runs of each engine's newest version, each once."""
    all_lines = list(lines)
    newest = {line.run.engine: line.version for line in all_lines}
    line_by_key = {
        line.key: line for line in all_lines if line.version == newest[line.run.engine]
    }
    return list(line_by_key.values())

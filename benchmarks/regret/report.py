"""The runs as markdown tables, and their place in a document."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from pathlib import Path

from benchmarks.regret import goals
from benchmarks.regret.results import Line
from benchmarks.regret.summary import Estimate, Standing, rank_engines
from benchmarks.regret.workloads import WORKLOADS

BEGIN, END = "<!-- regret: begin -->", "<!-- regret: end -->"
OURS = "ours"


def render_markdown(lines: Sequence[Line]) -> str:
    """Goals first, then a table of every engine for each workload."""
    runs = [line.run for line in lines]
    names = [name for name in WORKLOADS if any(run.workload == name for run in runs)]
    found = {name: rank_engines(runs, name, OURS) for name in names}
    parts = [_render_versions(lines), _render_goals(found)]
    parts += [_render_workload(name, each) for name, each in found.items()]
    return "\n\n".join(part for part in parts if part) + "\n"


def insert_text(document: Path, text: str) -> None:
    """Replace what stands between the marks of a document.

    Raises ValueError for a document without them.
    """
    old = document.read_text()
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{document}: the marks {BEGIN} and {END} are needed")
    document.write_text(f"{before}{BEGIN}\n{text}{END}{after}")


def _render_versions(lines: Iterable[Line]) -> str:
    return "Versions: " + ", ".join(sorted({line.version for line in lines})) + "."


def _render_goals(found: dict[str, list[Standing]]) -> str:
    header = (
        *("workload", "seeds", "regret %", "at most", "", "best found %", "at least"),
        *("", "coverage %", "93 to 97", "ours minus best peer", "ahead"),
    )
    rows = []
    for name, every in found.items():
        own = next((each for each in every if each.engine == OURS), None)
        if own is not None:
            rows.append(_render_goal_row(name, own, find_best_peer(every)))
    return _render_table(header, rows) if rows else ""


def find_best_peer(every: Iterable[Standing]) -> Standing | None:
    """The engine of others that is hardest to beat on the seeds both have run."""
    peers = [
        (each.difference.mean, each)
        for each in every
        if each.difference is not None and not each.engine.startswith(OURS)
    ]
    return max(peers, key=itemgetter(0), default=(0.0, None))[1]


def _render_goal_row(name: str, own: Standing, peer: Standing | None) -> list[str]:
    goal = goals.GOALS[name]
    gap, ahead = "-", "-"
    if peer is not None and peer.difference is not None:
        seeds = peer.difference.seeds
        gap = f"{_format_signed(peer.difference)} ({peer.engine}, {seeds} seeds)"
        ahead = goals.judge_mean(peer.difference, float("-inf"), 0.0)
    coverage, within = "-", "-"
    if own.coverage is not None:
        coverage, within = (
            _format_plain(own.coverage),
            goals.judge_mean(own.coverage, *goals.COVERAGE),
        )
    return [
        *(f"{name} {WORKLOADS[name].title}", str(own.regret.seeds)),
        *(_format_plain(own.regret), f"{goal.regret:g}"),
        goals.judge_mean(own.regret, 0.0, goal.regret),
        *(_format_plain(own.best), f"{goal.best:g}"),
        goals.judge_mean(own.best, goal.best, 100.0),
        *(coverage, within, gap, ahead),
    ]


def _render_workload(name: str, every: list[Standing]) -> str:
    header = (
        *("engine", "seeds", "regret %", "ours minus it, same seeds", "last tenth %"),
        *("best found %", "coverage %", "seconds a run"),
    )
    rows = [
        [
            *(each.engine, str(each.regret.seeds), _format_plain(each.regret)),
            "-" if each.difference is None else _format_signed(each.difference),
            *(f"{each.late_regret.mean:.1f}", _format_plain(each.best)),
            "-" if each.coverage is None else _format_plain(each.coverage),
            f"{each.seconds:.1f}",
        ]
        for each in every
    ]
    return f"### {name} {WORKLOADS[name].title}\n\n{_render_table(header, rows)}"


def _format_plain(found: Estimate) -> str:
    return f"{found.mean:.1f}{_format_error(found)}"


def _format_signed(found: Estimate) -> str:
    return f"{found.mean:+.1f}{_format_error(found)}"


def _format_error(found: Estimate) -> str:
    return f" ±{found.half:.1f}" if found.seeds > 1 else ""


def _render_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    ruled = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in ruled)

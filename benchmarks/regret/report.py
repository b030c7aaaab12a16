"""Markdown tables of the runs, and how to insert them into a document."""

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
    """Return the goals, then a table of all engines for each workload."""
    runs = [line.run for line in lines]
    names = [name for name in WORKLOADS if any(run.workload == name for run in runs)]
    standings = {name: rank_engines(runs, name, OURS) for name in names}
    parts = [_render_versions(lines), _render_goals(standings)]
    parts += [_render_workload(name, engines) for name, engines in standings.items()]
    return "\n\n".join(part for part in parts if part) + "\n"


def insert_text(document: Path, text: str) -> None:
    """Replace the text between BEGIN and END in a document.

    Raises ValueError for a document without them.
    """
    before, begin, rest = document.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{document} must contain the marks {BEGIN} and {END}")
    document.write_text(f"{before}{BEGIN}\n{text}{END}{after}")


def _render_versions(lines: Iterable[Line]) -> str:
    return "Versions: " + ", ".join(sorted({line.version for line in lines})) + "."


def _render_goals(standings: dict[str, list[Standing]]) -> str:
    header = (
        *("workload", "seeds", "regret %", "at most", "", "best found %", "at least"),
        *("", "coverage %", "93 to 97", "ours minus best peer", "ahead"),
    )
    rows = []
    for name, engines in standings.items():
        own = next((standing for standing in engines if standing.engine == OURS), None)
        if own is not None:
            rows.append(_render_goal_row(name, own, find_best_peer(engines)))
    return _render_table(header, rows) if rows else ""


def find_best_peer(standings: Iterable[Standing]) -> Standing | None:
    """Return the other engine that is hardest to beat on the common seeds."""
    peers = [
        (standing.difference.mean, standing)
        for standing in standings
        if standing.difference is not None and not standing.engine.startswith(OURS)
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


def _render_workload(name: str, standings: list[Standing]) -> str:
    header = (
        *("engine", "seeds", "regret %", "ours minus it, same seeds", "last tenth %"),
        *("best found %", "coverage %", "seconds a run"),
    )
    rows = [
        [
            *(row.engine, str(row.regret.seeds), _format_plain(row.regret)),
            "-" if row.difference is None else _format_signed(row.difference),
            *(f"{row.late_regret.mean:.1f}", _format_plain(row.best)),
            "-" if row.coverage is None else _format_plain(row.coverage),
            f"{row.seconds:.1f}",
        ]
        for row in standings
    ]
    return f"### {name} {WORKLOADS[name].title}\n\n{_render_table(header, rows)}"


def _format_plain(estimate: Estimate) -> str:
    return f"{estimate.mean:.1f}{_format_error(estimate)}"


def _format_signed(estimate: Estimate) -> str:
    return f"{estimate.mean:+.1f}{_format_error(estimate)}"


def _format_error(estimate: Estimate) -> str:
    return f" ±{estimate.half:.1f}" if estimate.seeds > 1 else ""


def _render_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

"""The regret benchmark's files: runs are saved, resumed, paired and reported."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.regret import goals, report, results, summary
from benchmarks.regret.results import Line
from benchmarks.regret.simulate import Run
from benchmarks.regret.summary import Estimate

RUN = Run("W1", "ours", 5000, 0, 10.0, 5.0, 1.0, 0.95, 0.3, 0.1, 0.2)


def make_peer_run(seed: int, regret: float, repeat: int = 0) -> Run:
    """Return a run of another engine without intervals."""
    return replace(
        RUN,
        engine="peer",
        seed=seed,
        repeat=repeat,
        regret_percent=regret,
        coverage=None,
        width=None,
    )


def test_runs_are_read_back_and_a_cut_off_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "new" / "runs.jsonl"
    results.append_line(path, Line(RUN, "learner 1"))
    results.append_line(path, Line(make_peer_run(5000, 12.0), "library 2"))
    with path.open("a") as file:
        file.write('{"workload": "W1", "eng')

    lines = results.read_lines(path)

    assert lines == [
        Line(RUN, "learner 1"),
        Line(make_peer_run(5000, 12.0), "library 2"),
    ]


def test_runs_of_an_older_version_are_left_out() -> None:
    old = [Line(replace(RUN, seed=seed), "learner 1") for seed in (5000, 5001)]
    new = Line(replace(RUN, regret_percent=9.0), "learner 2")
    other = Line(make_peer_run(5000, 12.0), "library 2")

    assert results.select_newest([*old, other, new]) == [other, new]


def test_differences_are_paired_over_common_seeds_and_repeats_averaged_first() -> None:
    own = [
        replace(RUN, seed=seed, regret_percent=r)
        for seed, r in ((1, 10.0), (2, 20.0), (3, 90.0))
    ]
    peers = [
        make_peer_run(1, 13.0),
        make_peer_run(2, 20.0),
        make_peer_run(2, 30.0, repeat=1),
        make_peer_run(4, 500.0),
    ]

    first, second = summary.rank_engines([*own, *peers], "W1", "ours")

    assert (first.engine, first.difference) == ("ours", None)
    assert second.difference is not None
    assert second.difference.mean == pytest.approx(-4.0)  # -3 and -5
    assert second.difference.half == pytest.approx(12.706, abs=0.001)  # t(1) · 1
    assert (second.regret.seeds, second.difference.seeds) == (3, 2)
    assert second.coverage is None


def test_the_best_peer_is_the_hardest_to_beat_on_common_seeds() -> None:
    own = [replace(RUN, seed=seed, regret_percent=20.0 + seed) for seed in (1, 2, 3)]
    lucky = [replace(make_peer_run(1, 20.0), engine="ran the easy seed")]
    hard = [
        replace(make_peer_run(s, 18.0 + s), engine="hard to beat") for s in (1, 2, 3)
    ]
    thompson = [replace(run, engine="ours_thompson", regret_percent=1.0) for run in own]

    standings = summary.rank_engines([*own, *lucky, *hard, *thompson], "W1", "ours")
    best = report.find_best_peer(standings)

    assert best is not None
    assert best.engine == "hard to beat"
    assert report.find_best_peer(standings[:1]) is None


@pytest.mark.parametrize(
    ("mean", "half", "verdict"),
    [
        (9.0, 1.0, "met"),
        (9.0, 2.0, "open"),
        (12.0, 1.0, "not met"),
        (12.0, 3.0, "open"),
    ],
)
def test_a_goal_is_met_if_the_whole_interval_meets_it(
    mean: float, half: float, verdict: str
) -> None:
    assert goals.judge_mean(Estimate(mean, half, 200), 0.0, 10.5) == verdict


def test_the_table_replaces_only_the_text_between_the_marks(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text(f"before\n{report.BEGIN}\nold{report.END}\nafter\n")
    lines = [Line(RUN, "learner 1"), Line(make_peer_run(5000, 12.0), "library 2")]

    report.insert_text(document, report.render_markdown(lines))

    text = document.read_text()
    assert text.startswith(f"before\n{report.BEGIN}\nVersions: learner 1, library 2.")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "| peer | 1 | 12.0 | -2.0 |" in text
    assert "old" not in text


def test_a_document_without_marks_is_not_changed(tmp_path: Path) -> None:
    document = tmp_path / "other.md"
    document.write_text("nothing here")

    with pytest.raises(ValueError, match="marks"):
        report.insert_text(document, "table")

    assert document.read_text() == "nothing here"


def test_the_command_continues_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    command = [sys.executable, "-m", "benchmarks.regret", "--results", str(path)]
    command += ["--engines", "W4:uniform", "--seeds"]

    subprocess.run([*command, "1"], check=True, capture_output=True)
    first = path.read_text()
    second = subprocess.run([*command, "2"], check=True, capture_output=True, text=True)

    assert path.read_text().startswith(first)
    assert [line.run.seed for line in results.read_lines(path)] == [5000, 5001]
    assert "| uniform | 2 |" in second.stdout


def test_an_unknown_engine_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    command = [sys.executable, "-m", "benchmarks.regret", "--results", str(path)]

    process = subprocess.run(
        [*command, "--engines", "none"], check=False, capture_output=True, text=True
    )

    assert process.returncode == 1
    assert "--engines matches none of: ours" in process.stderr
    assert not path.exists()

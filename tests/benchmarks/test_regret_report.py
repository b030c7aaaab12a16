"""The yardstick's book-keeping: runs are kept, resumed, paired and put into a document."""

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


def peer(seed: int, regret: float, repeat: int = 0) -> Run:
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
    results.append_line(path, Line(peer(5000, 12.0), "library 2"))
    with path.open("a") as file:
        file.write('{"workload": "W1", "eng')

    found = results.read_lines(path)

    assert found == [Line(RUN, "learner 1"), Line(peer(5000, 12.0), "library 2")]


def test_runs_of_an_older_learner_are_not_mixed_with_the_new_ones() -> None:
    old = [Line(replace(RUN, seed=seed), "learner 1") for seed in (5000, 5001)]
    new = Line(replace(RUN, regret_percent=9.0), "learner 2")
    other = Line(peer(5000, 12.0), "library 2")

    assert results.select_newest([*old, other, new]) == [other, new]


def test_differences_are_paired_over_common_seeds_and_repeats_averaged_first() -> None:
    own = [
        replace(RUN, seed=seed, regret_percent=r)
        for seed, r in ((1, 10.0), (2, 20.0), (3, 90.0))
    ]
    peers = [peer(1, 13.0), peer(2, 20.0), peer(2, 30.0, repeat=1), peer(4, 500.0)]

    found = summary.rank_engines([*own, *peers], "W1", "ours")

    first, second = found
    assert (first.engine, first.difference) == ("ours", None)
    assert second.difference is not None
    assert second.difference.mean == pytest.approx(-4.0)  # -3 and -5
    assert second.difference.half == pytest.approx(12.706, abs=0.001)  # t(1) · 1
    assert (second.regret.seeds, second.difference.seeds) == (3, 2)
    assert second.coverage is None


def test_the_best_peer_is_the_hardest_to_beat_on_common_seeds() -> None:
    own = [replace(RUN, seed=seed, regret_percent=20.0 + seed) for seed in (1, 2, 3)]
    lucky = [replace(peer(1, 20.0), engine="ran the easy seed")]
    hard = [replace(peer(s, 18.0 + s), engine="hard to beat") for s in (1, 2, 3)]
    thompson = [replace(run, engine="ours_thompson", regret_percent=1.0) for run in own]

    found = summary.rank_engines([*own, *lucky, *hard, *thompson], "W1", "ours")
    best = report.find_best_peer(found)

    assert best is not None
    assert best.engine == "hard to beat"
    assert report.find_best_peer(found[:1]) is None


@pytest.mark.parametrize(
    ("mean", "half", "said"),
    [
        (9.0, 1.0, "met"),
        (9.0, 2.0, "open"),
        (12.0, 1.0, "not met"),
        (12.0, 3.0, "open"),
    ],
)
def test_a_goal_is_met_where_the_whole_interval_meets_it(
    mean: float, half: float, said: str
) -> None:
    assert goals.judge_mean(Estimate(mean, half, 200), 0.0, 10.5) == said


def test_the_table_goes_between_the_marks_and_nowhere_else(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text(f"before\n{report.BEGIN}\nold{report.END}\nafter\n")
    lines = [Line(RUN, "learner 1"), Line(peer(5000, 12.0), "library 2")]

    report.insert_text(document, report.render_markdown(lines))

    text = document.read_text()
    assert text.startswith(f"before\n{report.BEGIN}\nVersions: learner 1, library 2.")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "| peer | 1 | 12.0 | -2.0 |" in text
    assert "old" not in text


def test_a_document_without_marks_is_left_alone(tmp_path: Path) -> None:
    document = tmp_path / "other.md"
    document.write_text("nothing here")

    with pytest.raises(ValueError, match="marks"):
        report.insert_text(document, "table")

    assert document.read_text() == "nothing here"


def test_the_command_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    command = [sys.executable, "-m", "benchmarks.regret", "--results", str(path)]
    command += ["--engines", "W4:uniform", "--seeds"]

    subprocess.run([*command, "1"], check=True, capture_output=True)
    first = path.read_text()
    again = subprocess.run([*command, "2"], check=True, capture_output=True, text=True)

    assert path.read_text().startswith(first)
    assert [line.run.seed for line in results.read_lines(path)] == [5000, 5001]
    assert "| uniform | 2 |" in again.stdout


def test_an_engine_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    command = [sys.executable, "-m", "benchmarks.regret", "--results", str(path)]

    ended = subprocess.run(
        [*command, "--engines", "none"], check=False, capture_output=True, text=True
    )

    assert ended.returncode == 1
    assert "--engines: none of ours" in ended.stderr
    assert not path.exists()

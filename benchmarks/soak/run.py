"""One soak: traffic and kills for a while, then a burst, then the checks."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.local_service import LocalService
from benchmarks.serve.world import World
from benchmarks.soak.burst import check_burst
from benchmarks.soak.checks import find_longest_barred_serve
from benchmarks.soak.journal import Journal
from benchmarks.soak.killer import Killer
from benchmarks.soak.stored import check_everything
from benchmarks.soak.traffic import Traffic

TICK_SECONDS = 0.5
READY_SECONDS = 60.0
# A run whose worker was killed is sent again 45 s later at most, and then trains.
TRAINED_SECONDS = 120.0
UNFINISHED = frozenset({"queued", "running"})


@dataclass(frozen=True, slots=True)
class SoakOptions:
    """How long, how often something is killed, and the seed of everything random.

    `waits_for_trainings` checks at the end that every training run finished.
    """

    seconds: float
    seconds_between_kills: float
    seed: int
    waits_for_trainings: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was counted, and a sentence for each violation; none is a pass."""

    counts: dict[str, str]
    violations: list[str]


def run_soak(
    world: World, options: SoakOptions, on_tick: Callable[[Journal], None]
) -> Verdict:
    """Run a soak against a service that has nobody else's traffic.

    `world` has two optimizations.

    `on_tick` is called every half second with what was seen so far.
    """
    journal = Journal()
    traffic = Traffic(world, journal, options.seed)
    killer = Killer(world.service, journal, options.seconds_between_kills, options.seed)
    traffic.start()
    killer.start()
    deadline = time.monotonic() + options.seconds
    while time.monotonic() < deadline:
        time.sleep(TICK_SECONDS)
        on_tick(journal)
    killer.stop()
    violations = _wait_until_ready(world.service)
    traffic.stop()
    burst_statuses, burst_violations = check_burst(world, f"burst-{options.seed}")
    violations += burst_violations
    if options.waits_for_trainings:
        violations += _check_trainings(world, journal)
    violations += check_everything(
        world.service.database_url, world.optimization_ids, journal
    )
    return Verdict(_count(journal, burst_statuses), violations)


def _wait_until_ready(service: LocalService) -> list[str]:
    deadline = time.monotonic() + READY_SECONDS
    while not service.is_ready():
        if time.monotonic() > deadline:
            return ["the service was not ready a minute after the last kill"]
        time.sleep(TICK_SECONDS)
    return []


def _check_trainings(world: World, journal: Journal) -> list[str]:
    """Wait for the runs that were requested; one that does not finish is lost."""
    deadline = time.monotonic() + TRAINED_SECONDS
    violations = []
    for run_id in dict.fromkeys(journal.training_run_ids):
        path = f"/models/{world.model_id}/training-runs/{run_id}"
        while (run := world.call("GET", path))["status"] in UNFINISHED:
            if time.monotonic() > deadline:
                break
            time.sleep(TICK_SECONDS)
        if run["status"] in {*UNFINISHED, "failed"}:
            violations.append(f"training run {run_id}: {run}")
    return violations


def _count(journal: Journal, burst_statuses: dict[int, int]) -> dict[str, str]:
    statuses = sorted(journal.statuses.items())
    parts = [kill.part for kill in journal.kills]
    return {
        "acknowledged serves": f"{len(journal.answers):,}",
        "users": f"{len({answer.user for answer in journal.answers}):,}",
        "acknowledged events": f"{len(journal.rewards) + len(journal.exposures):,}",
        "bars": f"{len(journal.bars)}",
        "trainings": f"{len(set(journal.training_run_ids))}",
        "kills": ", ".join(f"{parts.count(x)} {x}" for x in sorted(set(parts))),
        "answers by status": ", ".join(f"{n:,} of {status}" for status, n in statuses),
        "broken connections": f"{len(journal.broken_at):,}",
        "longest time without a serve": f"{_find_longest_gap(journal):.1f} s",
        "a barred variant was served for": f"{find_longest_barred_serve(journal):.2f} s",
        "burst, answers by status": str(burst_statuses),
    }


def _find_longest_gap(journal: Journal) -> float:
    times = sorted(answer.received_at for answer in journal.answers)
    return max((later - earlier for earlier, later in pairwise(times)), default=0.0)

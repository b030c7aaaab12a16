"""Run one round of a load with wrk or with our own generator, and measure it."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import which
from statistics import median

import orjson

from benchmarks.serve import load
from benchmarks.serve.requests import NUMBER, RequestTemplate
from benchmarks.serve.servers import Server

SCRIPT = Path(__file__).with_name("wrk.lua")
RESULT = b"RESULT "


@dataclass(frozen=True, slots=True)
class Load:
    """A kind of request to a server.

    `build_template` takes the number of the round, so that ids can be fresh in each.
    `units` is how many things (events, decisions) one request carries. `rate` is the
    requests a second of an open loop; without one every connection sends as soon as it
    has its answer.
    """

    name: str
    server: Server
    build_template: Callable[[int], RequestTemplate]
    connections: int = 64
    units: int = 1
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """What one round showed.

    `rate` counts units a second in responses below 400; the latencies are milliseconds;
    `cpu_us` is microseconds of the server's CPU per unit; `generator_cpu` is the share
    of one core that the generator took; `refused` counts responses of 400 and above,
    `failed` requests without a response.
    """

    rate: float
    p50: float
    p95: float
    p99: float
    cpu_us: float
    generator_cpu: float
    refused: float
    failed: float


@dataclass(frozen=True, slots=True)
class _Counts:
    """What a generator counted and timed in one round."""

    seconds: float
    responses: int
    refused: int
    failed: int
    p50: float
    p95: float
    p99: float


def run_round(one: Load, number: int, *, seconds: float, is_wrk: bool) -> Round:
    """Run a load for some seconds. `number` is the round's, for fresh ids."""
    template = one.build_template(number)
    server_before, generator_before = one.server.measure_cpu(), _measure_own_cpu()
    if one.rate is not None:
        counts = _run_open_loop(one, template, seconds)
    elif is_wrk:
        counts = _run_wrk(one, template, seconds)
    else:
        counts = _run_closed_loop(one, template, seconds)
    generator_cpu = _measure_own_cpu() - generator_before
    server_cpu = one.server.measure_cpu() - server_before
    units = one.units * max(1, counts.responses - counts.refused)
    return Round(
        rate=units / counts.seconds,
        p50=counts.p50,
        p95=counts.p95,
        p99=counts.p99,
        cpu_us=1e6 * server_cpu / units,
        generator_cpu=generator_cpu / counts.seconds,
        refused=counts.refused,
        failed=counts.failed,
    )


def take_medians(rounds: list[Round]) -> Round:
    """Return the median of every figure over the rounds."""
    columns = [asdict(one) for one in rounds]
    return Round(**{name: median(c[name] for c in columns) for name in columns[0]})


def has_wrk() -> bool:
    """Return whether the wrk program is installed."""
    return which("wrk") is not None


def _run_wrk(one: Load, template: RequestTemplate, seconds: float) -> _Counts:
    host, port = one.server.address
    duration = max(1, round(seconds))
    command = f"wrk -t1 -c{one.connections} -d{duration}s --timeout 30s -s {SCRIPT}"
    done = subprocess.run(
        (
            *command.split(),
            f"http://{host}:{port}",
            *("--", template.text, NUMBER, str(template.first), str(template.modulo)),
        ),
        capture_output=True,
        check=True,
    )
    line = next(x for x in done.stdout.splitlines() if x.startswith(RESULT))
    return _Counts(**orjson.loads(line.removeprefix(RESULT)))


def _run_closed_loop(one: Load, template: RequestTemplate, seconds: float) -> _Counts:
    result = load.run_closed_loop(
        one.server.address,
        template.generate(),
        connections=one.connections,
        seconds=seconds,
    )
    return _count(result)


def _run_open_loop(one: Load, template: RequestTemplate, seconds: float) -> _Counts:
    result = load.run_open_loop(
        one.server.address,
        template.generate(),
        rate=one.rate or 0.0,
        connections=one.connections,
        seconds=seconds,
    )
    return _count(result)


def _count(result: load.LoadResult) -> _Counts:
    return _Counts(
        seconds=result.seconds,
        responses=sum(result.statuses.values()),
        refused=sum(n for status, n in result.statuses.items() if status >= 400),
        failed=result.failed,
        p50=result.quantile(0.50),
        p95=result.quantile(0.95),
        p99=result.quantile(0.99),
    )


def _measure_own_cpu() -> float:
    """Return the seconds of CPU of this process and of the programs it waited for."""
    return sum(os.times()[:4])

"""The Python client, beside what the service would decide."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, Unpack

import orjson
from click.testing import CliRunner
from django.utils import timezone

from levered import Decision, Levered
from levered.cli.main import cli
from levered.core import Options
from optimizations.models import Optimization
from optimizations.serving import decision, snapshot_loader
from tests.support import optimization_factories
from tests.support.optimization_factories import make_factor

PACKAGE = Path(__file__).parents[2] / "clients" / "python"
FALLBACK = {"headline": "fallback"}
# Longer than the client's own default: the machine may be busy with other tests.
PATIENT = 15.0
DESIGNS = {20: (4, 5), 100: (10, 10)}
LONG = "😀" * 256
LEVELS = {
    "device": ("mobile", "desktop", "é", "", LONG, "a\ufffdb", "true"),
    "visits": ("1", "2.5", f"{10**21}", "0.0000001", "-3", "0", f"{2**53}"),
}
# Of every type that JSON has for a context, and what is missing.
VALUES: dict[str, tuple[object, ...]] = {
    "device": (
        *("mobile", "desktop", "é", "e\u0301", "", LONG, f"{LONG}more", "a\0b"),
        *("a\ufffdb", "tv", "true", True, False, None, " mobile", "Mobile", 0, "null"),
    ),
    "visits": (
        *(1, 1.0, "1", 2.5, "2.50", 1e21, 10**21, 1e-7, -3, -0.0, 0, 2**53, None, True),
        *(1e300, 5e-324, 1.7976931348623157e308, 123456789012345680000, -1e-7, ""),
        *(2**63, 2**64 - 1, 2**64, 2**64 + 1, -(2**63), -(2**63) - 1, 2**53 + 1),
    ),
}
NAMES = ("user-{}", "Zoë {}", "😀{}", "ユーザー:{}", "{}", " {} ", "e\u0301{}")
User = tuple[str, dict[str, object]]


class Opener(Protocol):
    """Makes a client that is closed at the end of the test."""

    def __call__(
        self, url: str, api_key: str = "", **options: Unpack[Options]
    ) -> Levered: ...


def make_public_optimization(**fields: Any) -> Optimization:
    """Make a live optimization whose policy anybody may read."""
    return optimization_factories.make_live_optimization(public_policy=True, **fields)


def make_large_optimization(variants: int) -> Optimization:
    """Make an optimization of a design with levels of all types."""
    first, second = DESIGNS[variants]
    return make_public_optimization(
        holdout_percentage=12.5,
        training_data_config=optimization_factories.make_config(
            design_factors=[
                make_factor("headline", *(f"h{n}" for n in range(first))),
                make_factor("price", *(n + 0.5 for n in range(second))),
            ],
            context_factors=[make_factor(name, *each) for name, each in LEVELS.items()],
        ),
    )


def make_users(seed: int, count: int) -> list[User]:
    """Make users with contexts of all types, numbers of all sizes among them."""
    rng = random.Random(seed)  # noqa: S311  # repeatable, not secret
    users: list[User] = []
    for n in range(count):
        context = {
            name: rng.choice(values)
            for name, values in VALUES.items()
            if rng.random() < 0.9
        }
        if n % 5 == 0:
            context["visits"] = rng.choice((1, -1)) * 10 ** rng.uniform(-320, 308)
        context["other"] = n
        users.append((NAMES[n % len(NAMES)].format(n), context))
    return users


def decide_as_the_service(
    optimization: Optimization, users: list[User]
) -> list[tuple[object, ...]]:
    """Return number, levels, arm and propensity of each user, as served.

    Contexts are read from JSON, as they arrive.
    """
    snapshot = snapshot_loader.query_snapshot(str(optimization.pk))
    assert snapshot is not None
    now = timezone.now()
    expected: list[tuple[object, ...]] = []
    for user, context in users:
        resolved = decision.resolve_context(snapshot, _pass_through_json(context))
        proposal = decision.decide_variant(snapshot, user, resolved, now)
        number, levels = proposal.card.number, dict(proposal.card.levels)
        expected.append((number, levels, proposal.in_holdout, proposal.propensity))
    return expected


def describe(made: Decision) -> tuple[object, ...]:
    """Return number, levels, arm and propensity of a decision."""
    return made.variant_number, made.variant, made.in_holdout, made.propensity


def _pass_through_json(context: Mapping[str, object]) -> dict[str, Any]:
    text = "{" + ", ".join(
        f"{orjson.dumps(name).decode()}: {_dump(value)}"
        for name, value in context.items()
    )
    loaded: dict[str, Any] = orjson.loads(text + "}")
    return loaded


def _dump(value: object) -> str:
    # orjson writes no integers of more than 64 bits, and reads them.
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_integer else orjson.dumps(value).decode()


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of the command line printed, and its exit code."""

    code: int
    out: str
    err: str

    def read(self) -> Any:
        """Return the JSON that it printed. Fails where it failed."""
        assert self.code == 0, self.err
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Terminal:
    """A user's terminal: a folder of settings, and variables."""

    folder: Path
    variables: dict[str, str]

    def run(self, *arguments: object, stdin: str = "") -> Run:
        """Run `levered` with arguments, in this process."""
        done = CliRunner().invoke(
            cli,
            [str(each) for each in arguments],
            input=stdin,
            prog_name="levered",
            env={"LEVERED_CONFIG_DIR": str(self.folder), **self.variables},
        )
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return Run(done.exit_code, done.stdout, done.stderr)

    def spawn(
        self, *arguments: object, stdin: str = "", cwd: Path | None = None
    ) -> Run:
        """Run `levered` with arguments, as a shell would."""
        done = subprocess.run(
            self._build_command(arguments),
            input=stdin,
            cwd=cwd or self.folder,
            env=self._build_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    def start(
        self, *arguments: object, output: IO[str], keyboard: int | None = None
    ) -> "subprocess.Popen[str]":
        """Start `levered`, and go on while it runs; `keyboard` is its input.

        It hears Ctrl-C even where the tests do not: a shell lets programs in the
        background ignore it, and what a program ignores its children ignore as well.
        """
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return subprocess.Popen(
                self._build_command(arguments),
                env=self._build_environment(),
                stdin=keyboard,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        finally:
            signal.signal(signal.SIGINT, before)

    def _build_command(self, arguments: Sequence[object]) -> list[str]:
        program = [sys.executable, "-W", "error", "-m", "levered.cli.main"]
        return program + [str(each) for each in arguments]

    def _build_environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(PACKAGE / "src"),
            "LEVERED_CONFIG_DIR": str(self.folder),
            **self.variables,
        }

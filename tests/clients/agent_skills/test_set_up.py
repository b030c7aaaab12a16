"""The commands of levered-set-up, run in their order against the real service."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from metrics.models import Metric
from optimizations.models import Assignment, Optimization
from tests.clients.agent_skills.skill_files import (
    FOLDER,
    find_commands_of_blocks,
    read_skill,
)
from tests.clients.python.terminals import log_in
from tests.support import factories
from tests.support.learning import train_model
from tests.support.python_client import PACKAGE, PATIENT, Terminal

pytestmark = pytest.mark.django_db(transaction=True)

SKILL = read_skill(FOLDER / "levered-set-up" / "SKILL.md")
# Needs a browser and a page; tests/clients/python/test_cli_screens.py takes pictures.
LEFT_OUT = "screenshot"


def write_files(folder: Path) -> None:
    """Write the files that the skill tells to write."""
    (folder / "levered").mkdir()
    (sql,) = SKILL.find_blocks("sql")
    (definition,) = SKILL.find_blocks("json")
    (folder / "levered" / "signup.sql").write_text(sql)
    (folder / "levered" / "optimization.json").write_text(definition)


def rehearse(folder: Path, url: str, key: str) -> None:
    """Run the program of the skill that makes simulated visitors."""
    (program,) = (
        block for block in SKILL.find_blocks("python") if "rehearse.py" in block
    )
    optimization = Optimization.objects.get(name="Rehearsal")
    patient = program.replace(
        'os.environ["LEVERED_KEY"]', f'os.environ["LEVERED_KEY"], timeout={PATIENT}'
    )
    assert patient != program
    subprocess.run(
        [sys.executable, "-W", "error", "-c", patient, str(optimization.pk)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(PACKAGE / "src"),
            "LEVERED_URL": url,
            "LEVERED_KEY": key,
        },
        check=True,
        timeout=300,
    )


def run_skill(terminal: Terminal, url: str) -> dict[str, str]:
    """Run the commands of the skill in their order; return what two of them printed."""
    ids: dict[str, str] = {}
    printed: dict[str, str] = {}
    for arguments in find_commands_of_blocks(SKILL):
        if LEFT_OUT in arguments:
            continue
        if arguments[:2] == ["ingest", "exposures"]:
            rehearse(terminal.folder, url, json.loads(printed["backend"])["secret"])
        if arguments[:2] == ["models", "train"]:
            train_model(Optimization.objects.get(name="Rehearsal"))  # needs no worker
            continue
        done = terminal.run(*(ids.get(each, each) for each in arguments))
        assert done.code == 0, f"{arguments}: {done.err}"
        printed[arguments[2] if len(arguments) > 2 else arguments[0]] = done.out
        if arguments[:2] == ["optimizations", "results"]:
            printed["results"] = done.out
        if arguments[:2] == ["metrics", "create"]:
            ids["METRIC_ID"] = str(Metric.objects.get().pk)
        if arguments[:2] == ["optimizations", "create"]:
            # The second one is the other way to create, from a file.
            first = Optimization.objects.earliest("created_at")
            ids["OPTIMIZATION_ID"] = str(first.pk)
    return printed | ids


def test_the_commands_lead_from_nothing_to_a_live_optimization(
    live_server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    terminal = log_in(tmp_path, live_server.url, factories.make_organization())

    printed = run_skill(terminal, live_server.url)

    live = Optimization.objects.get(pk=printed["OPTIMIZATION_ID"])
    rehearsal = Optimization.objects.get(name="Rehearsal")
    others = Optimization.objects.exclude(pk__in=(live.pk, rehearsal.pk))
    assert (live.status, rehearsal.status) == ("live", "archived")
    assert {each.status for each in others} == {"draft"}
    assert not Assignment.objects.exists()
    health = [line.split() for line in printed["results"].splitlines()]
    assert ["health", "ok"] in health, printed["results"]
    assert "+" in next(
        line for line in printed["results"].splitlines() if "lift" in line
    )

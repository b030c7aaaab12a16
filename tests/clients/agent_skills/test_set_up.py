"""The commands of levered-set-up, run in their order against the real service."""

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
from tests.support import factories
from tests.support.python_client import Terminal

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


def test_the_commands_lead_from_nothing_to_a_live_optimization(
    live_server: LiveServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    token = factories.admin_token(factories.make_organization())
    terminal = Terminal(
        tmp_path, {"LEVERED_URL": live_server.url, "LEVERED_TOKEN": token}
    )
    ids: dict[str, str] = {}

    for arguments in find_commands_of_blocks(SKILL):
        if LEFT_OUT in arguments:
            continue
        done = terminal.run(*(ids.get(each, each) for each in arguments))
        assert done.code == 0, f"{arguments}: {done.err}"
        if arguments[:2] == ["metrics", "create"]:
            ids["METRIC_ID"] = str(Metric.objects.get().pk)
        if arguments[:2] == ["optimizations", "create"]:
            # The second one is the other way to create, from a file.
            first = Optimization.objects.earliest("created_at")
            ids["OPTIMIZATION_ID"] = str(first.pk)

    live = Optimization.objects.get(pk=ids["OPTIMIZATION_ID"])
    others = Optimization.objects.exclude(pk=live.pk)
    assert live.status == "live"
    assert {each.status for each in others} == {"draft"}
    assert not Assignment.objects.exists()

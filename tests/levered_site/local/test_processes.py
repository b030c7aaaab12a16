"""Starting one child process: the messages of a failed start."""

import os
from pathlib import Path

import pytest

from levered_site.local import processes
from levered_site.local.processes import Account, Program, StartError


def test_a_failed_start_names_the_user_and_what_it_needs(tmp_path: Path) -> None:
    program = Program(
        name="missing",
        command=(str(tmp_path / "missing"),),
        folder=tmp_path,
        account=Account(os.getuid(), os.getgid()),
    )

    with pytest.raises(StartError) as raised:
        processes.start_program(program)

    message = str(raised.value)
    assert f"Let user {os.getuid()} access {tmp_path / 'missing'}" in message
    assert "Account(" not in message


def test_a_log_that_cannot_be_opened_is_a_failed_start(tmp_path: Path) -> None:
    log_file = tmp_path / "no such folder" / "program.log"
    program = Program(
        name="program", command=("true",), folder=tmp_path, log_file=log_file
    )

    with pytest.raises(StartError, match="its log cannot be opened"):
        processes.start_program(program)


def test_a_machine_without_an_unprivileged_user_is_a_failed_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("pwd.getpwall", list)

    with pytest.raises(StartError, match="set DATABASE_URL and REDIS_URL"):
        processes.choose_account(tmp_path / "no such folder", ())

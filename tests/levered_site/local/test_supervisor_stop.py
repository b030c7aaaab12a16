"""Stopping children, one of which has just exited by itself."""

import time
from pathlib import Path

from levered_site.local.processes import Program
from levered_site.local.supervisor import Supervisor


def test_a_child_that_has_just_exited_does_not_hinder_the_stop(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    supervisor.start(Program(name="brief", command=("true",), folder=tmp_path))
    supervisor.start(Program(name="long", command=("sleep", "60"), folder=tmp_path))
    brief, long = (child.process for child in supervisor.children)
    time.sleep(0.5)  # the brief one is a zombie now: nobody has asked for its state

    supervisor.stop()

    assert brief.returncode == 0
    assert long.returncode is not None

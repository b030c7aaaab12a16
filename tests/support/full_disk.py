"""A service whose home is a small disk of its own, which a test can fill."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.running_service import Service, home_named

SIZE = "320m"  # a new home has some 120 MB
CHUNK = bytes(64 * 1024)
# The file system goes away with the processes that see it.
MOUNT = 'mount -t tmpfs -o size={size},mode=711 levered "{home}" && exec "$@"'


def can_mount() -> bool:
    """Return whether this machine lets a process have mounts of its own."""
    program = shutil.which("unshare")
    if program is None:
        return False
    run = subprocess.run([program, "-m", "true"], check=False, capture_output=True)
    return run.returncode == 0


class SmallDisk:
    """The disk of a running service's home, seen from outside of its namespace."""

    def __init__(self, service: Service) -> None:
        assert service.process
        root = Path(f"/proc/{service.process.pid}/root")
        self.home = root / service.home.relative_to("/")
        self._filler = self.home / "filler"

    def fill(self) -> None:
        """Write until no byte is left."""
        with suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while file.write(CHUNK) == len(CHUNK):
                pass
        with suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while file.write(b"x"):
                pass

    def empty(self) -> None:
        """Remove what fills it."""
        self._filler.unlink()

    def count_free(self) -> int:
        """Return how many bytes are left."""
        status = os.statvfs(self.home)
        return status.f_bavail * status.f_frsize


@contextmanager
def run_on_small_disk(name: str) -> Iterator[Service]:
    """Give a service, not yet started, whose home is a disk of its own."""
    with home_named(name) as service:
        service.home.mkdir(parents=True)
        service.home.parent.chmod(0o711)
        script = MOUNT.format(size=SIZE, home=service.home)
        service.wrapper = ("unshare", "-m", "sh", "-c", script, "sh")
        yield service

"""A Valkey of a test's own, which the test may kill and start again."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from levered_site.local import embedded_stores
from levered_site.local.embedded_stores import EmbeddedStores


@dataclass(slots=True)
class SpareValkey:
    """A Valkey that no supervisor starts again."""

    stores: EmbeddedStores
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        """The address for redis-py."""
        return self.stores.addresses.redis_url

    def start(self) -> None:
        """Start it, and wait until it answers."""
        program = embedded_stores.build_valkey_program(self.stores)
        self.process = subprocess.Popen(
            program.command,
            cwd=program.folder,
            env={**os.environ, **program.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        embedded_stores.wait_for_valkey(self.stores, lambda: None)

    def kill(self) -> None:
        """End it as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextmanager
def run_spare_valkey(home: Path) -> Iterator[SpareValkey]:
    """Run a Valkey in a folder of the test's."""
    stores = embedded_stores.describe_stores(home)
    embedded_stores.prepare_folders(stores)
    valkey = SpareValkey(stores)
    valkey.start()
    try:
        yield valkey
    finally:
        valkey.kill()
        shutil.rmtree(stores.addresses.socket_folder)

"""A migrated database on disk, which services of tests start from instead of an empty one."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from levered_site.local import embedded_stores, folders
from levered_site.local.supervisor import Supervisor

ROOT = Path(__file__).parents[2]


def put_database(home: Path) -> None:
    """Copy the data folder of a migrated database into a new home.

    A first start takes as long as initdb and all migrations. Nothing else of a home is
    prepared: its secrets and first accounts are made when its service starts.
    """
    stores = embedded_stores.describe_stores(home)
    folders.prepare_home(stores.home, stores.account)
    shutil.copytree(_prepare_database(home.parent), stores.postgres_folder)
    folders.make_private_folder(stores.postgres_folder, stores.account)


@cache
def _prepare_database(folder: Path) -> Path:
    """Create a database as `manage.py up` does and stop it; return its data folder."""
    stores = embedded_stores.describe_stores(folder / "prepared")
    keeper = Supervisor(stores.home)
    embedded_stores.prepare_folders(stores)
    embedded_stores.set_up_postgres(stores, durable=False)
    try:
        keeper.start(
            embedded_stores.build_postgres_program(
                stores, embedded_stores.NON_DURABLE_SETTINGS
            )
        )
        embedded_stores.ensure_database(stores, keeper.tick)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks"],
            cwd=ROOT,
            env={
                **os.environ,
                "LEVERED_HOME": str(stores.home),
                "DATABASE_URL": stores.addresses.database_url,
            },
            check=True,
        )
    finally:
        keeper.stop()
    return stores.postgres_folder

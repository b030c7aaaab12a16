"""GrowthBook's proxy, where it is installed: remote evaluation, with and without Redis.

The folder is a checkout of the proxy's public repository in which its packages `proxy`
and `eval` were built as its README says. Nothing of it is part of this repository.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from benchmarks.local_service import NotReadyError, find_free_port
from benchmarks.serve.servers import WORKERS, Server, start_process
from levered_site.local import embedded, embedded_stores
from levered_site.local.embedded_stores import EmbeddedStores

CLIENT_KEY = "sdk-bench"
EVALUATION_PATH = f"/api/eval/{CLIENT_KEY}"
ENTRY_POINTS = ("dist/src/index.js", "dist/index.js")
# One experiment of the size of ours: four variants of two factors, 90% of the users.
VARIATIONS = [{"headline": h, "color": c} for h in "ab" for c in ("red", "blue")]
RULE = {
    "key": "hero",
    "seed": "hero",
    "hashAttribute": "id",
    "hashVersion": 2,
    "coverage": 0.9,
    "variations": VARIATIONS,
    "weights": [0.25] * 4,
    "meta": [{"key": str(number)} for number in range(4)],
    "phase": "0",
    "name": "hero",
}
PAYLOAD = {
    "status": 200,
    "features": {"hero": {"defaultValue": VARIATIONS[0], "rules": [RULE]}},
    "experiments": [],
    "dateUpdated": "2026-01-01T00:00:00Z",
}
# The proxy is one process; Node's cluster module lets several share its port.
CLUSTER_SCRIPT = (
    'const cluster = require("cluster");'
    "if (cluster.isPrimary) { for (let i = 0; i < +process.argv[2]; i++)"
    " cluster.fork(); } else { require(process.argv[1]); }"
)


@contextmanager
def start_growthbook(folder: Path, *, is_sticky: bool) -> Iterator[Server]:
    """Run the proxy of a folder, in as many processes as ours has web workers.

    `is_sticky` keeps every user's bucket in a Valkey of its own. A local file server
    plays GrowthBook's API. Raises NotReadyError.
    """
    node, entry_point = which("node"), _find_entry_point(folder)
    if node is None or entry_point is None:
        raise NotReadyError(f"{folder} has no built proxy, or node is not installed.")
    port, api_port = find_free_port(), find_free_port()
    with ExitStack() as stack:
        files = Path(stack.enter_context(TemporaryDirectory()))
        _write_payload(files)
        api = ("python3", "-m", "http.server", str(api_port), "-b", "127.0.0.1")
        stack.enter_context(start_process((*api, "-d", str(files)), port=api_port))
        environment = _build_environment(port, api_port)
        store_ids: tuple[int, ...] = ()
        if is_sticky:
            socket = files / "valkey.sock"
            store = stack.enter_context(start_process(_build_valkey_command(socket)))
            store_ids = (store.pid,)
            environment |= {
                "ENABLE_STICKY_BUCKETING": "1",
                "STICKY_BUCKET_ENGINE": "redis",
                "STICKY_BUCKET_CONNECTION_URL": str(socket),
            }
        proxy = stack.enter_context(
            start_process(
                (node, "-e", CLUSTER_SCRIPT, str(entry_point), str(WORKERS)),
                port=port,
                environment=environment,
            )
        )
        name = "growthbook sticky" if is_sticky else "growthbook"
        yield Server(name, port, (proxy.pid, *store_ids))


def _find_entry_point(folder: Path) -> Path | None:
    package = folder / "packages" / "apps" / "proxy"
    paths = (package / name for name in ENTRY_POINTS)
    return next((path for path in paths if path.exists()), None)


def _write_payload(files: Path) -> None:
    file = files / "api" / "v1" / "sdk-payload" / CLIENT_KEY
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(PAYLOAD))


def _build_valkey_command(socket: Path) -> tuple[str, ...]:
    home = socket.parent
    stores = EmbeddedStores(home, embedded.build_addresses(home), account=None)
    binary, *_ = embedded_stores.build_valkey_program(stores).command
    options = f"--port 0 --unixsocket {socket} --appendonly no --dir {home}"
    return (binary, *options.split(), "--save", "")


def _build_environment(port: int, api_port: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "NODE_ENV": "production",
        "PORT": str(port),
        "GROWTHBOOK_API_HOST": f"http://127.0.0.1:{api_port}",
        "SECRET_API_KEY": "secret",
        "POLL_FOR_CONNECTIONS": "0",
        "CONNECTION.1.API_KEY": CLIENT_KEY,
        "CONNECTION.1.SIGNING_KEY": "signing",
        "CONNECTION.1.REMOTE_EVAL_ENABLED": "1",
    }

"""Run the first part of the demo over HTTP: `python -m levered_site.demo`.

The second part is `manage.py write_demo_history`, which needs the service's database.

LEVERED_URL names the service, LEVERED_TOKEN is a token of the organization to use.
"""

import os
import sys
import time
from datetime import UTC, datetime

try:
    import httpx
    from tqdm import tqdm
except ModuleNotFoundError as error:
    raise SystemExit(
        f"levered_site.demo needs the module {error.name}, which {sys.executable} does "
        "not have: run `make demo`, which makes the environment first."
    ) from error

from levered_site.demo import open_bandit_replay
from levered_site.demo.client import Client, RefusedError


def main() -> int:
    """Replay real traffic; return 1 if the service does not answer or refuses a request."""
    url = os.environ.get("LEVERED_URL", "http://localhost:3100").rstrip("/")
    token = os.environ.get("LEVERED_TOKEN", "")
    if not token:
        tqdm.write(
            "LEVERED_TOKEN is not set. `python manage.py issue_token` prints a token."
        )
        return 1
    now = datetime.fromtimestamp(time.time(), UTC)
    try:
        client = Client(url, token)
        client.make_key("demo")
        open_bandit_replay.run_replay(client, now)
    except httpx.TransportError as error:
        tqdm.write(f"{url} does not answer ({error}). Start it with `make run`.")
        return 1
    except RefusedError as error:
        tqdm.write(f"The service refused a request: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

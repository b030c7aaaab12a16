"""`python -m levered_site.demo`: both parts against LEVERED_URL with LEVERED_TOKEN."""

import os
import sys
import time
from datetime import UTC, datetime

import httpx
from tqdm import tqdm

from levered_site.demo import open_bandit_replay, simulated_visitors
from levered_site.demo.client import Client, RefusedError


def main() -> int:
    """Play both parts; 1 and a sentence when the service is not there or refuses."""
    url = os.environ.get("LEVERED_URL", "http://localhost:3100").rstrip("/")
    token = os.environ.get("LEVERED_TOKEN", "")
    if not token:
        tqdm.write(
            "LEVERED_TOKEN is not set: `python manage.py issue_token` prints one"
        )
        return 1
    now = datetime.fromtimestamp(time.time(), UTC)
    try:
        client = Client(url, token)
        client.make_key("demo")
        open_bandit_replay.run_replay(client, now)
        simulated_visitors.run_simulation(client, now)
    except httpx.TransportError as why:
        tqdm.write(f"{url} does not answer ({why}); start it with `make run`")
        return 1
    except RefusedError as why:
        tqdm.write(f"the service refused: {why}")
        return 1
    tqdm.write(f"\nLook at it: {url}/admin/ · {url}/api/v2/docs")
    return 0


if __name__ == "__main__":
    sys.exit(main())

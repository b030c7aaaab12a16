"""`write_demo_history`: five optimizations with weeks of simulated history."""

import os
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from levered_site.demo import history, outcomes
from levered_site.demo.client import Client, RefusedError
from levered_site.demo.five_worlds import WORLDS
from levered_site.demo.past_service import PastService
from levered_site.demo.stories import Story
from optimizations.models import Optimization


class Command(BaseCommand):
    """Write the second part of the demo, which is dated by its days."""

    help = (
        "Write five optimizations with weeks of simulated history (for `make demo`). "
        "LEVERED_URL names the service, LEVERED_TOKEN is a token of the organization."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Write the history and print its outcome, with the page's verdicts."""
        url = os.environ.get("LEVERED_URL", "http://localhost:3100").rstrip("/")
        token = os.environ.get("LEVERED_TOKEN", "")
        visitors = sum(world.visitors_a_day * world.days for world in WORLDS)
        tqdm.write(
            f"\n2. Five optimizations with weeks of history: about {visitors:,} simulated "
            "visitors, with known rates"
        )
        try:
            stories = _write_history(url, token)
        except httpx.TransportError as error:
            raise CommandError(
                f"{url} does not answer ({error}). Start it with `make run`."
            ) from error
        except RefusedError as error:
            raise CommandError(f"The service refused a request: {error}") from error
        intended = sum(map(outcomes.print_outcome, stories))
        tqdm.write(
            f"\n{intended} of {len(stories)} pages have the verdict that they should have."
            f"\nSee for yourself: {url}/ · {url}/api/v2/docs"
        )


def _write_history(url: str, token: str) -> list[Story]:
    """Write the history into the database of the service at `url`."""
    if not _is_own_service(url, token):
        raise CommandError(
            f"{url} has another database than this command, so no history can be "
            "written. Run it where the service runs, with the same LEVERED_HOME or "
            "DATABASE_URL."
        )
    service = PastService(token)
    service.client.make_key("demo")
    return history.write_history(service, WORLDS, timezone.now())


def _is_own_service(url: str, token: str) -> bool:
    """Return whether the service at `url` keeps its optimizations in this database."""
    page = Client(url, token).call("GET", "/optimizations?limit=1")
    listed = [row["id"] for row in page["optimizations"]]
    return Optimization.objects.filter(pk__in=listed).exists()

"""The service in this process, at a time in the past.

A history of weeks must be dated by its days: when an optimization went live, when it was
trained, what was published on which day. So the demo moves the clock of its own process
and lets the product do the rest: the API's views answer here, and a training runs here.
Nothing is written but by them, except the moment when rewards arrived, which the database
stamps by its own clock.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
from django.db import transaction
from django.utils import timezone

from levered_site.demo.client import CLOCK_REQUESTER, Client, Json, RefusedError
from levered_site.wsgi import application
from models_app import runs
from models_app.models import BanditModel, TrainingRun
from optimizations.training.run import run_training
from warehouse.models import ManagedReward

LONGEST_WAIT = 120.0  # seconds for a training slot of the organization
POLL_SECONDS = 0.2


def tell_real_time() -> datetime:
    """Return the time, whatever the moved clock tells."""
    return datetime.fromtimestamp(time.time(), UTC)


class PastService:
    """The API and the trainings of this process; `move_clock` makes them live then."""

    def __init__(self, token: str) -> None:
        transport = httpx.WSGITransport(app=application)
        self.client = Client("http://localhost", token, transport)
        self._moment: datetime | None = None
        self._moved_at = 0.0

    @contextmanager
    def live_in_past(self) -> Iterator[None]:
        """Let `timezone.now` of this process tell the time set by `move_clock`."""
        original = timezone.now
        timezone.now = self._tell_time
        try:
            yield
        finally:
            timezone.now = original

    def move_clock(self, moment: datetime | None) -> None:
        """Set the clock, which then goes on; None sets it to the real time."""
        self._moment, self._moved_at = moment, time.monotonic()

    def _tell_time(self) -> datetime:
        if self._moment is None:
            return tell_real_time()
        return self._moment + timedelta(seconds=time.monotonic() - self._moved_at)

    def send_rewards(self, optimization_id: str, events: Sequence[Json]) -> None:
        """Ingest rewards, as arrived by the moved clock.

        Rewards that arrive later than trainings reopen days that were counted.
        """
        if not events:
            return
        self.client.ingest("rewards", events)
        first = min(datetime.fromisoformat(event["timestamp"]) for event in events)
        ManagedReward.objects.filter(
            optimization_id=optimization_id,
            timestamp_utc__gte=first,
            created_at__gt=timezone.now(),
        ).update(created_at=timezone.now())

    def train(self, model_id: str) -> None:
        """Train in this process. Raises RefusedError if the run does not succeed."""
        run = _open_run(UUID(model_id))
        deadline = time.monotonic() + LONGEST_WAIT
        while run.status in runs.OPEN_STATUSES:
            run_training(run.pk)
            run.refresh_from_db()
            if run.status in runs.OPEN_STATUSES:
                if time.monotonic() > deadline:
                    raise RefusedError("other trainings of the organization do not end")
                time.sleep(POLL_SECONDS)
        if run.status != TrainingRun.Status.SUCCEEDED:
            raise RefusedError(f"training {run.status}: {run.error}")


def _open_run(model_id: UUID) -> TrainingRun:
    """Request a run that no worker of the service takes: it counts as begun."""
    model = BanditModel.objects.get(pk=model_id)
    with transaction.atomic():
        run = runs.request_training(model, requested_by=CLOCK_REQUESTER)
        TrainingRun.objects.filter(pk=run.pk).update(
            status=TrainingRun.Status.RUNNING, heartbeat_at=tell_real_time()
        )
    run.refresh_from_db()
    return run


@contextmanager
def keep_schedule_away(model_id: str) -> Iterator[None]:
    """Keep the service from training a model while its past is written.

    The service's schedule waits after the newest run of a model. So it gets a cancelled
    one of now, which is deleted at the end.
    """
    cancelled = TrainingRun.objects.create(
        model_id=model_id,
        status=TrainingRun.Status.CANCELLED,
        requested_by=CLOCK_REQUESTER,
    )
    placeholder = TrainingRun.objects.filter(pk=cancelled.pk)
    placeholder.update(created_at=tell_real_time())
    try:
        yield
    finally:
        placeholder.delete()

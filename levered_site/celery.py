"""The Celery application: delivery of tasks, time limits, the schedule of beat."""

import os
from datetime import datetime, timedelta

from celery import Celery
from celery.schedules import schedstate, schedule
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "levered_site.settings")

# The broker delivers an unacknowledged task again after this time. The hard time limit
# must be shorter: otherwise a slow task would run twice.
VISIBILITY_TIMEOUT = timedelta(hours=2)
HARD_TIME_LIMIT = timedelta(minutes=90)
SOFT_TIME_LIMIT = timedelta(minutes=85)

TASK_INTERVALS = {
    "optimizations.retrain_due": timedelta(seconds=30),
    "optimizations.reap_training_runs": timedelta(seconds=15),
    "optimizations.keep_partitions": timedelta(hours=1),
    "optimizations.index_closed_days": timedelta(hours=1),
    "optimizations.forget_old_keys": timedelta(hours=1),
    "optimizations.prune_versions": timedelta(hours=6),
    "optimizations.purge_deleted": timedelta(hours=6),
}


class Interval(schedule):
    """A fixed interval that goes on after the clock was set back.

    Celery would wait until the time of the last run, which may be days ahead, and keeps
    that time in a file.
    """

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Return whether to run now, and the seconds until the next look."""
        last_run = self.maybe_make_aware(last_run_at)
        if last_run > self.now():
            return schedstate(is_due=True, next=self.seconds)
        state: schedstate = super().is_due(last_run_at)
        return state


# Read the queue by classes that outlive what others wrote into it. URLs name a transport
# by its alias, so the aliases are where another class goes. Both modules are imported
# when a connection is opened: their metric needs the settings.
for _alias in ("redis", "rediss"):
    TRANSPORT_ALIASES[_alias] = "levered_site.broker_transport:CheckedTransport"

app = Celery("levered")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.update(
    # The task of a killed worker goes back to the queue instead of being lost.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=HARD_TIME_LIMIT.total_seconds(),
    task_soft_time_limit=SOFT_TIME_LIMIT.total_seconds(),
    broker_transport_options={
        "visibility_timeout": VISIBILITY_TIMEOUT.total_seconds(),
        "global_keyprefix": "levered:",
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        # Sending fails at once; the reaper sends the queued row of the database later.
        "max_retries": 0,
    },
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    task_publish_retry=False,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    timezone="UTC",
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_consumer="levered_site.broker_consumer:CheckedConsumer",
    # A training survives a broker restart; its second delivery finds the lease taken.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # A tick that no worker took before the next one is dropped.
    beat_schedule={
        name: {
            "task": name,
            "schedule": Interval(interval),
            "options": {"expires": interval.total_seconds()},
        }
        for name, interval in TASK_INTERVALS.items()
    },
)

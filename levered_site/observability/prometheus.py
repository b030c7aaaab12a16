"""Prometheus metrics: requests over all web workers, and waiting tasks.

Under `manage.py up` every process writes its counts to PROMETHEUS_MULTIPROC_DIR, and
the worker that answers adds them up. Without that variable they cover one process.
"""

import hmac
import ipaddress
import os
import time
from collections.abc import Callable, Iterator

import redis
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from kombu.exceptions import KombuError
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from levered_site.api import requests, responses
from levered_site.errors import ForbiddenError
from levered_site.observability import health

REQUEST_COUNT = Counter(
    "levered_requests", "Responses sent.", ["method", "route", "status"]
)
REQUEST_SECONDS = Histogram(
    "levered_request_seconds",
    "Time to the response.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30),
)
COUNTED_METHODS = frozenset(
    {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
)


class RequestMetricsMiddleware:
    """Count every response and its time by route, not by path.

    It is the outermost middleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request, then count it."""
        started_at = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = match.route if match else "unmatched"
        method = request.method if request.method in COUNTED_METHODS else "other"
        REQUEST_COUNT.labels(method, route, response.status_code).inc()
        REQUEST_SECONDS.labels(route).observe(time.perf_counter() - started_at)
        return response


class WaitingTasksCollector(Collector):
    """The number of tasks waiting in the broker; absent if it does not answer."""

    def collect(self) -> Iterator[Metric]:
        """Ask the broker."""
        try:
            count = health.count_waiting_tasks()
        except (KombuError, redis.RedisError, OSError):
            return
        yield GaugeMetricFamily(
            "levered_waiting_jobs", "Tasks that no worker has taken yet.", count
        )


@responses.json_view("GET", "HEAD")
def export_metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics to this machine, or to a client with METRICS_TOKEN."""
    if not (_is_from_this_machine(request) or _has_token(request)):
        raise ForbiddenError(
            "Metrics are readable from this machine only, or with METRICS_TOKEN."
        )
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        text = generate_latest(registry)
    else:
        text = generate_latest(REGISTRY)
    task_registry = CollectorRegistry()
    task_registry.register(WaitingTasksCollector())
    return HttpResponse(text + generate_latest(task_registry), CONTENT_TYPE_LATEST)


def _is_from_this_machine(request: HttpRequest) -> bool:
    """Return whether this machine sent the request itself, without a proxy."""
    if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META:
        return False
    try:
        return ipaddress.ip_address(requests.get_client_ip(request)).is_loopback
    except ValueError:
        return False


def _has_token(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    authorization = request.headers.get("Authorization", "")
    return bool(token) and hmac.compare_digest(
        authorization.encode(), f"Bearer {token}".encode()
    )

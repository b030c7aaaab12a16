"""Prometheus metrics: requests over all web workers, and waiting tasks.

Under `manage.py up` every process writes its counts to PROMETHEUS_MULTIPROC_DIR, and
the worker that answers adds them up. Without that variable they cover one process.
"""

import functools
import hmac
import ipaddress
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

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
from levered_site.api.cache_errors import CACHE_ERRORS
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
# The gauge of optimizations.serving.metrics.
POLICY_TIME_METRIC = "levered_policy_trained_timestamp_seconds"
HEADER_BYTES = 8  # of a file of counts
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
        seconds = time.perf_counter() - started_at
        observe_request(request.method or "", route, response.status_code, seconds)
        return response


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a response and its time. `route` is the pattern of the URL, not the path."""
    known_method = method if method in COUNTED_METHODS else "other"
    get_request_counter(known_method, route, status).inc()
    _get_request_timer(route).observe(seconds)


@functools.lru_cache(maxsize=4096)
def get_request_counter(method: str, route: str, status: int) -> Counter:
    """Return the counter of responses, for those who count without the time."""
    return REQUEST_COUNT.labels(method, route, status)


@functools.lru_cache(maxsize=512)
def _get_request_timer(route: str) -> Histogram:
    return REQUEST_SECONDS.labels(route)


class PolicyAgeCollector(Collector):
    """The metrics of a registry, and the ages that follow from its timestamps."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry

    def collect(self) -> Iterator[Metric]:
        """Pass the metrics on, and add an age beside the time of training."""
        for metric in self.registry.collect():
            yield metric
            if metric.name == POLICY_TIME_METRIC:
                yield _build_age_metric(metric, time.time())


def _build_age_metric(times: Metric, now: float) -> Metric:
    ages = GaugeMetricFamily(
        "levered_policy_age_seconds",
        "Time since the policy of a live optimization was trained: the oldest and the "
        "newest of them. NaN if none was.",
        labels=["which"],
    )
    for sample in times.samples:
        ages.add_metric([sample.labels["which"]], now - sample.value)
    return ages


class WaitingTasksCollector(Collector):
    """The number of tasks waiting in the broker; absent if it does not answer."""

    def collect(self) -> Iterator[Metric]:
        """Ask the broker."""
        try:
            count = health.count_waiting_tasks()
        except (KombuError, *CACHE_ERRORS):
            return
        yield GaugeMetricFamily(
            "levered_waiting_jobs", "Tasks that no worker has taken yet.", count
        )


class WrittenFilesCollector(Collector):
    """The counts of all processes, without files that a full disk kept from being written.

    One such file would make every later answer fail.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Merge the files that hold at least their header."""
        merge: Callable[[list[str]], Iterable[Metric]] = MultiProcessCollector.merge
        files = self._folder.glob("*.db")
        return merge([str(file) for file in files if _get_size(file) >= HEADER_BYTES])


def _get_size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # of a process that has just ended
        return 0


@responses.json_view("GET", "HEAD", query_parameters=None)
def export_metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics to this machine, or to a client with METRICS_TOKEN."""
    if not (_is_from_this_machine(request) or _has_token(request)):
        raise ForbiddenError(
            "Metrics are readable from this machine only, or with METRICS_TOKEN."
        )
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        registry.register(
            WrittenFilesCollector(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
        )
    else:
        registry = REGISTRY
    own_registry = CollectorRegistry()
    own_registry.register(PolicyAgeCollector(registry))
    own_registry.register(WaitingTasksCollector())
    return HttpResponse(generate_latest(own_registry), CONTENT_TYPE_LATEST)


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

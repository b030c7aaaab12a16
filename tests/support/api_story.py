"""One call of each operation that has an example in the OpenAPI document."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from celery.contrib.testing.worker import start_worker
from django.http import HttpResponse
from django.test import override_settings

from levered_site.celery import app
from tests.support import factories, result_visitors, tracking
from tests.support.factories import Api
from tests.support.pictures import build_png

SQL = (
    "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards "
    "WHERE name = 'signup' AND timestamp_utc >= @start_date"
)
METRIC = {
    "name": "Signup",
    "sql": SQL,
    "column_mapping": {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        "reward_type": "bool",
    },
}
UNSAVED = {name: METRIC[name] for name in ("sql", "column_mapping")}
CONFIG = {
    "reward": {"name": "signup", "type": "bool"},
    "design_factors": [
        {"name": "headline", "dtype": "str", "levels": ["Start free", "Save hours"]},
        {"name": "show_reviews", "dtype": "bool", "levels": [False, True]},
    ],
    "context_factors": [
        {"name": "device", "dtype": "str", "levels": ["mobile", "desktop"]}
    ],
}
CONTEXT = {"device": "mobile"}
VISITOR = {"anonymous_id": "visitor-1", "context": CONTEXT}


@dataclass(slots=True)
class Story:
    """The examples by operation id: `request`, and `response` with its `status`.

    `others` of an example has answers with other statuses. `errors` has an answer for
    each status that operations share.
    """

    find_operation_id: Callable[[str, str], str]
    examples: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: dict[str, Any] = field(default_factory=dict)

    def call(
        self, api: Api, method: str, path: str, body: Any = None, base: str = "/api/v2"
    ) -> Any:
        """Send a request, which must succeed; return the answer, or None."""
        response = api.request(method, path, body, base=base)
        assert 200 <= response.status_code < 300, (path, response.content)
        operation_id = self.find_operation_id(method, f"{base}{path}")
        example = {} if body is None else {"request": body}
        answer = factories.read_body(response) if response.content else None
        if answer is not None:
            example |= {"status": str(response.status_code), "response": answer}
        if example:
            self.examples[operation_id] = example
        return answer

    def add(self, status: int, method: str, path: str, response: HttpResponse) -> Any:
        """Keep an answer of this status beside the operation's example; return it."""
        assert response.status_code == status, (path, response.content)
        operation_id = self.find_operation_id(method, f"/api/v2{path}")
        answer = factories.read_body(response)
        example = self.examples.setdefault(operation_id, {})
        example.setdefault("others", {})[str(status)] = answer
        return answer

    def refuse(self, status: str, response: HttpResponse) -> None:
        """Keep an error that operations share; `status` may be `default`."""
        assert status in {str(response.status_code), "default"}, response.content
        self.errors[status] = factories.read_body(response)


def tell_story(story: Story) -> None:
    """Call the operations, in an order in which a customer might."""
    organization = factories.make_organization("Acme")
    admin = factories.make_admin_api(organization)
    story.call(admin, "GET", "/me")
    metric_id = _define_metrics(story, admin)
    optimization_id = _create_optimization(story, admin, metric_id)
    key = factories.Api(
        factories.make_api_key(organization, scopes=("ingest", "serve"))
    )
    _serve(story, key, optimization_id)
    _send_events(
        story, key, optimization_id, tracking.make_publishable_key(organization)
    )
    _read_definitions(story, admin, metric_id, optimization_id)
    _train(story, admin, optimization_id)
    _make_keys(story, admin)
    _read_results(story)
    _use_warehouse(story, admin)
    _end(story, admin, optimization_id, metric_id)
    for path in ("/healthz", "/readyz"):
        story.call(factories.Api(), "GET", path, base="")


def _define_metrics(story: Story, admin: Api) -> str:
    story.call(admin, "POST", "/warehouse/preview", UNSAVED | {"limit": 5})
    metric = story.call(admin, "POST", "/warehouse/metrics", METRIC)
    path = f"/warehouse/metrics/{metric['id']}"
    worth = {"value_per_conversion": 25, "currency": "EUR"}
    story.call(admin, "PATCH", path, {"name": "Signups"} | worth)
    story.call(admin, "GET", path)
    story.call(admin, "GET", "/warehouse/metrics")
    story.call(admin, "POST", f"{path}/preview", {"limit": 5})
    return str(metric["id"])


def _create_optimization(story: Story, admin: Api, metric_id: str) -> str:
    body = {
        "name": "Landing page",
        "reward_metric_id": metric_id,
        "training_data_config": CONFIG,
        "holdout_percentage": 20,
        "public_policy": True,
    }
    return str(story.call(admin, "POST", "/optimizations", body)["id"])


def _serve(story: Story, key: Api, optimization_id: str) -> None:
    story.call(key, "POST", f"/optimizations/{optimization_id}/serve", VISITOR)
    body = VISITOR | {"optimization_id": optimization_id}
    story.call(key, "POST", "/optimizations/best-variant", body)
    body = VISITOR | {"optimization_ids": [optimization_id]}
    story.call(key, "POST", "/optimizations/best-variants", body)
    path = f"/optimizations/{optimization_id}"
    story.call(key, "GET", f"{path}/policy")
    unrecorded = VISITOR | {"anonymous_id": "visitor-2", "record": False}
    decided = factories.read_body(key.post(f"{path}/serve", unrecorded))
    decision = {
        "anonymous_id": "visitor-2",
        "variant_number": decided["variant_number"],
        "policy_version": decided["policy_version"],
        "context": CONTEXT,
    }
    story.call(key, "POST", f"{path}/decisions", {"decisions": [decision]})
    partly = {"decisions": [decision, decision | {"variant_number": 99}]}
    story.add(207, "POST", f"{path}/decisions", key.post(f"{path}/decisions", partly))


def _send_events(
    story: Story, key: Api, optimization_id: str, publishable_key: str
) -> None:
    exposure = {
        "anonymous_id": "visitor-1",
        "optimization_id": optimization_id,
        "variant": {"headline": "Save hours", "show_reviews": True},
        "policy_version": 0,
    }
    story.call(key, "POST", "/ingest/exposures", {"events": [exposure]})
    reward = {"anonymous_id": "visitor-1", "name": "signup", "idempotency_key": "s-1"}
    story.call(key, "POST", "/ingest/rewards", {"events": [reward]})
    path = "/ingest/exposures"
    unknown = exposure | {"optimization_id": "landing-page"}
    story.add(207, "POST", path, key.post(path, {"events": [exposure, unknown]}))
    path = "/ingest/rewards"
    nameless = {"anonymous_id": "visitor-1"}
    story.add(207, "POST", path, key.post(path, {"events": [reward, nameless]}))
    page_event = {"type": "reward", "name": "purchase"}
    body = {
        "key": publishable_key,
        "anonymous_id": "visitor-1",
        "events": [page_event],
    }
    story.call(factories.Api(), "POST", "/track", body)
    partly = body | {"events": [page_event, page_event | {"name": "visit"}]}
    story.add(207, "POST", "/track", factories.Api().post("/track", partly))


def _read_definitions(
    story: Story, admin: Api, metric_id: str, optimization_id: str
) -> None:
    path = f"/optimizations/{optimization_id}"
    story.call(admin, "GET", "/optimizations")
    story.call(admin, "GET", path)
    story.call(admin, "PATCH", path, {"holdout_percentage": 10})
    story.call(admin, "GET", f"{path}/variants")
    story.call(admin, "PATCH", f"{path}/variants/4", {"enabled": False})
    story.call(admin, "GET", f"{path}/decisions/visitor-1")
    picture = f"{path}/variants/by-number/2/screenshot"
    uploaded: Any = admin.client.put(
        f"/api/v2{picture}",
        build_png(),
        content_type="image/png",
        headers=admin.headers,
    )
    story.add(200, "PUT", picture, uploaded)
    _write_notes(story, admin, path)
    _share_results(story, admin, path)
    candidate = {"exploration_share": 0.05}
    story.call(admin, "PUT", f"{path}/candidate", candidate)
    repeated = admin.put(f"{path}/candidate", candidate)
    story.add(200, "PUT", f"{path}/candidate", repeated)
    story.call(admin, "GET", f"{path}/candidate")
    story.call(admin, "DELETE", f"{path}/candidate")


def _write_notes(story: Story, admin: Api, path: str) -> None:
    body = {"text": "The summer sale began.", "date": EXAMPLE_DAY}
    note = story.call(admin, "POST", f"{path}/notes", body)
    story.call(admin, "GET", f"{path}/notes")
    note_path = f"{path}/notes/{note['id']}"
    story.call(admin, "GET", note_path)
    story.call(admin, "PATCH", note_path, {"text": "The summer sale: 20% off."})
    story.call(admin, "DELETE", note_path)


def _share_results(story: Story, admin: Api, path: str) -> None:
    body = {"label": "Board meeting", "expires_in_days": 30}
    link = story.call(admin, "POST", f"{path}/share-links", body)
    story.call(admin, "GET", f"{path}/share-links")
    story.call(admin, "DELETE", f"{path}/share-links/{link['id']}")


def _train(story: Story, admin: Api, optimization_id: str) -> None:
    model_id = factories.read_body(admin.get(f"/optimizations/{optimization_id}"))[
        "model_id"
    ]
    path = f"/models/{model_id}"
    run = story.call(admin, "POST", f"{path}/train", {})
    story.call(admin, "GET", "/models")
    story.call(admin, "GET", path)
    story.call(admin, "GET", f"{path}/training-runs")
    run_path = f"{path}/training-runs/{run['training_run_id']}"
    story.call(admin, "GET", run_path)
    story.call(admin, "POST", f"{run_path}/cancel")


def _make_keys(story: Story, admin: Api) -> None:
    key = story.call(
        admin, "POST", "/api-keys", {"label": "backend", "scopes": ["ingest", "serve"]}
    )
    path = f"/api-keys/{key['id']}"
    story.call(admin, "PATCH", path, {"label": "shop backend"})
    story.call(admin, "GET", path)
    story.call(admin, "GET", "/api-keys")
    story.call(admin, "POST", f"{path}/rotate", {"overlap_hours": 24})
    story.call(admin, "DELETE", path)


def _read_results(story: Story) -> None:
    optimization = result_visitors.make_visited_optimization()
    member = result_visitors.make_member_api(optimization)
    admin = factories.make_admin_api(optimization.organization)
    path = f"/optimizations/{optimization.pk}"
    admin.put(f"{path}/candidate", {"exploration_share": 0.05})
    train_path = f"/models/{optimization.model_id}/train"
    with run_worker(), override_settings(TRAIN_WAIT_SECONDS=25):
        story.add(200, "POST", train_path, admin.post(train_path, {}))
    for name in (
        *("results", "progress", "guardrails", "lift-history", "lift-curve"),
        *("holdout-daily", "outcome-mix", "observations", "report-data"),
    ):
        story.call(member, "GET", f"{path}/{name}")
    story.call(member, "POST", f"{path}/evaluate", {"policy": {"variant": 2}})
    story.call(member, "GET", f"/models/{optimization.model_id}/state")
    story.call(member, "GET", f"/models/{optimization.model_id}/policy")
    story.call(member, "GET", f"/models/{optimization.model_id}/versions")
    story.call(admin, "POST", f"{path}/candidate/promote")
    story.call(admin, "POST", f"{path}/ship", {"confirm": True})


def _use_warehouse(story: Story, admin: Api) -> None:
    story.call(admin, "GET", "/warehouse/connections")
    story.call(admin, "GET", "/warehouse/tables")
    story.call(admin, "GET", "/warehouse/tables/managed_dw.rewards/columns")
    query = "SELECT name, COUNT(*) AS rewards FROM managed_dw.rewards GROUP BY name"
    story.call(admin, "POST", "/warehouse/query", {"sql": query})
    story.call(admin, "POST", "/warehouse/connections/test")


def _end(story: Story, admin: Api, optimization_id: str, metric_id: str) -> None:
    path = f"/optimizations/{optimization_id}"
    for verb in ("stop", "archive", "unarchive"):
        story.call(admin, "POST", f"{path}/{verb}")
    story.call(admin, "GET", "/audit")
    story.call(admin, "DELETE", "/warehouse/users/visitor-1")


@contextmanager
def run_worker() -> Iterator[None]:
    """Run a Celery worker, which trains."""
    with start_worker(app, perform_ping_check=False, pool="solo", shutdown_timeout=30):
        yield
    app.control.purge()


UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
SECRET = re.compile(r"lev_[\w-]+")
MOST_ITEMS = 2
EXAMPLE_TIME, EXAMPLE_DAY = "2026-03-28T14:22:00Z", "2026-03-28"


def shorten(value: Any, ids: dict[str, str]) -> Any:
    """Return a value as an example: short lists, and neither real ids nor secrets."""
    if isinstance(value, Mapping):
        return {_replace(name, ids): shorten(each, ids) for name, each in value.items()}
    if isinstance(value, list):
        return [shorten(each, ids) for each in value[:MOST_ITEMS]]
    if isinstance(value, float):
        return round(value, 4)
    return _replace(value, ids) if isinstance(value, str) else value


def _replace(text: str, ids: dict[str, str]) -> str:
    def rename(match: re.Match[str]) -> str:
        number = f"00000000-0000-4000-8000-{len(ids) + 1:012}"
        return ids.setdefault(match[0], number)

    text = UUID.sub(rename, text)
    text = re.sub("req_[0-9a-f]{32}", f"req_{0:032}", text)
    text = re.sub(r"org_\w+", "org_acme", text)
    text = SECRET.sub("lev_…", text)
    text = TIME.sub(EXAMPLE_TIME, text)
    return DAY.sub(EXAMPLE_DAY, text) if not TIME.search(text) else text

"""Requests that are refused: one for each error of the OpenAPI document."""

from contextlib import ExitStack
from typing import Any

from django.test import override_settings

from levered_site.api import slow_requests
from levered_site.organizations.models import Organization
from tests.support import factories, tracking
from tests.support.api_story import VISITOR, Story
from tests.support.factories import Api
from tests.support.optimization_factories import make_optimization

NOBODY = "00000000-0000-4000-8000-000000000000"
LARGE = b'{"name": "' + b"x" * 7 * 2**20 + b'"}'
PAGE_EVENTS = {
    "anonymous_id": "visitor-1",
    "events": [{"type": "reward", "name": "purchase"}],
}


def tell_refusals(story: Story) -> None:
    """Send what is refused: for each status that operations share, and by serving."""
    organization = factories.make_organization("Acme")
    admin = factories.make_admin_api(organization)
    live = make_optimization(organization)
    path = f"/optimizations/{live.pk}"
    _share_refusals(story, organization, admin, path)
    _refuse_under_load(story, admin, path)
    draft = make_optimization(organization, status="draft")
    _refuse_serving(story, organization, str(draft.pk))
    _refuse_tracking(story, organization)


def _share_refusals(
    story: Story, organization: Organization, admin: Api, path: str
) -> None:
    body = {"name": "Landing page", "holdout": 20}
    story.refuse("400", admin.post("/optimizations", body))
    story.refuse("401", Api().get("/me"))
    member = factories.make_member_api(organization)
    story.refuse("403", member.post("/api-keys", {"label": "backend"}))
    story.refuse("404", admin.get(f"/optimizations/{NOBODY}"))
    story.refuse("409", admin.post(f"{path}/unarchive"))
    story.refuse("412", admin.patch(path, {"name": "Home"}, If_Match='"1"'))
    story.refuse("413", admin.post("/optimizations", LARGE))
    text: Any = admin.client.post(
        "/api/v2/optimizations",
        "name: Home",
        content_type="text/plain",
        headers=admin.headers,
    )
    story.refuse("415", text)
    story.refuse("default", admin.delete("/optimizations"))
    with override_settings(RATELIMIT_GLOBAL="1/m"):
        admin.get("/me")
        story.refuse("429", admin.get("/me"))


def _refuse_under_load(story: Story, admin: Api, path: str) -> None:
    """Ask for what is slow while the process answers as many such requests as it may."""
    with ExitStack() as reserved:
        while reserved.enter_context(slow_requests.try_reserve_thread()):
            pass
        story.refuse("503", admin.get(f"{path}/results?refresh=true"))


def _refuse_serving(story: Story, organization: Organization, draft: str) -> None:
    bodies: dict[str, dict[str, Any]] = {
        f"/optimizations/{draft}/serve": VISITOR,
        "/optimizations/best-variant": VISITOR | {"optimization_id": draft},
        "/optimizations/best-variants": VISITOR | {"optimization_ids": [draft]},
    }
    ingest_key = Api(factories.make_api_key(organization, scopes=("ingest",)))
    for path, body in bodies.items():
        unknown = Api("lev_unknown").post(path, body)
        large = Api().post(path, LARGE)
        story.add(401, "POST", path, unknown)
        story.add(403, "POST", path, ingest_key.post(path, body))
        story.add(413, "POST", path, large)
        if "optimization_ids" not in body:
            story.add(409, "POST", path, Api().post(path, body))


def _refuse_tracking(story: Story, organization: Organization) -> None:
    unknown = PAGE_EVENTS | {"key": "lev_pub_unknown"}
    story.add(401, "POST", "/track", Api().post("/track", unknown))
    secret = PAGE_EVENTS | {"key": factories.make_api_key(organization)}
    story.add(403, "POST", "/track", Api().post("/track", secret))
    key = tracking.make_publishable_key(organization)
    order = {"type": "reward", "name": "revenue", "idempotency_key": "order-1"}
    first, other = (
        PAGE_EVENTS | {"key": key, "events": [order | {"value": value}]}
        for value in (1, 2)
    )
    Api().post("/track", first)
    story.add(409, "POST", "/track", Api().post("/track", other))
    story.add(413, "POST", "/track", Api().post("/track", LARGE))

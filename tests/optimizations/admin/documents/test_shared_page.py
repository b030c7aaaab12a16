"""The page behind a share link: what it shows, what it keeps to itself, whom it refuses."""

import gzip
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from levered_site.organizations.actors import Actor
from optimizations.admin.documents import inlined_files
from optimizations.configuration import notes
from optimizations.models import Optimization, ShareLink
from optimizations.sharing import links
from tests.support import staff_world, unhealthy_worlds
from tests.support.pictures import build_png
from tests.support.result_visitors import train_and_return
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db

CLERK = Actor("staff", "clerk-of-the-shop")
MAX_QUERIES = 12
MAX_BYTES = 150_000
HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Frame-Options": "DENY",
}


@pytest.fixture
def world() -> World:
    return staff_world.make_world()


def share(optimization: Optimization) -> tuple[ShareLink, str]:
    link, url = links.create_link(optimization, CLERK, days=7, label="For the board")
    return link, urlsplit(url).path


def assert_locked(answer: Any) -> None:
    """Check the headers that every page below /shared/ has."""
    assert {name: answer[name] for name in HEADERS} == HEADERS
    policy = answer["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'none'", "form-action 'none'"} <= {
        *policy
    }
    assert "unsafe" not in answer["Content-Security-Policy"]


def assert_document(page: str) -> None:
    """Check that a document has no control, no script, and names nobody."""
    for text in ("<script", "<form", "<button", "<iframe", "javascript:", " onclick"):
        assert text not in page
    assert "/admin/" not in page
    assert "visitor-" not in page
    assert CLERK.id not in page
    assert "Element(" not in page, "a chart is markup, not the text of an object"


@pytest.mark.django_db(transaction=True)
def test_a_link_shows_the_results_without_controls_names_and_notes(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    optimization, refunds = unhealthy_worlds.make_violated_guardrail()
    text = {"text": "Bob broke the checkout", "date": date(2026, 3, 28)}
    notes.create_note(optimization, text, CLERK)
    optimization.variants.filter(number=2).update(screenshot=build_png())
    _, path = share(optimization)
    client.get(path)

    with django_assert_max_num_queries(MAX_QUERIES):
        answer = client.get(path)

    page = answer.content.decode()
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert_locked(answer)
    assert_document(page)
    assert f"A guardrail suffers: {refunds.name}" in page
    for title in ("Health", "Lift over time", "Guardrails", "Who was shown what"):
        assert f"{title}</h" in page
    for title in ("What matters", "Variants", "Lift by segment", "How to read this"):
        assert f"{title}</h2>" in page
    assert page.count('<th scope="row">') >= optimization.variants.count()
    assert "Bob" not in page
    assert " style=" not in page, "the policy forbids it"
    assert len(gzip.compress(answer.content)) < MAX_BYTES


def test_a_link_of_an_optimization_that_was_never_live_says_so(
    client: Client, world: World
) -> None:
    draft = staff_world.make_optimization(
        world.organization, world.metric, "Idea", status="draft"
    )
    _, path = share(draft)

    answer = client.get(path)

    assert answer.status_code == 200
    assert "A draft: it is not live yet" in answer.content.decode()
    assert_locked(answer)


def test_what_opens_nothing_is_one_and_the_same_page(
    client: Client, world: World
) -> None:
    expired, expired_path = share(world.optimization)
    ShareLink.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    revoked, revoked_path = share(world.optimization)
    opened = client.get(revoked_path).status_code
    links.revoke_link(revoked, CLERK)

    answers = [
        client.get(path)
        for path in (
            expired_path,
            revoked_path,
            *("/shared/", "/shared/nothing", "/shared/a/b/", f"{revoked_path}x"),
        )
    ]

    assert opened == 200
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert "ask whoever sent it for a new link" in answers[0].content.decode()
    for answer in answers:
        assert_locked(answer)
        assert answer["Content-Type"].startswith("text/html")


def test_a_shared_page_takes_no_other_method(client: Client, world: World) -> None:
    link, path = share(world.optimization)

    answers = [client.post(path), client.put(path), client.delete(path)]

    assert [answer.status_code for answer in answers] == [405, 405, 405]
    for answer in answers:
        assert_locked(answer)
    link.refresh_from_db()
    assert link.times_opened == 0


def test_opening_is_limited_by_address_and_says_when_to_come_back(
    client: Client, world: World, settings: Settings
) -> None:
    settings.RATELIMIT_SHARED = "2/d"
    cache.clear()
    _, path = share(world.optimization)

    answers = [client.get(page) for page in (path, "/shared/nothing", path)]
    elsewhere = client.get(path, REMOTE_ADDR="198.51.100.7")

    assert [answer.status_code for answer in answers] == [200, 404, 429]
    assert int(answers[2]["Retry-After"]) > 0
    assert "Too many requests" in answers[2].content.decode()
    assert_locked(answers[2])
    assert elsewhere.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_failed_count_is_said_without_the_warehouses_words(client: Client) -> None:
    optimization, refunds = unhealthy_worlds.make_violated_guardrail()
    unhealthy_worlds.break_metric(optimization, refunds)
    train_and_return(optimization)
    failure = optimization.count_failures.get()
    _, path = share(optimization)

    page = client.get(path).content.decode()

    assert failure.message
    assert failure.message not in page
    assert "CAST" not in page
    assert "Whoever shared this page knows the details." in page


def test_a_screenshot_that_is_too_large_or_broken_is_its_thumbnail_or_named(
    world: World,
) -> None:
    size = inlined_files.MAX_PICTURE_BYTES
    rows = world.optimization.variants
    whole = build_png(filler=size - len(build_png()))
    rows.filter(number=1).update(screenshot=whole)
    rows.filter(number=2).update(screenshot=whole + b"x")
    rows.filter(number=3).update(screenshot=build_png(900, 9))  # broken

    pictures = inlined_files.load_pictures(world.optimization, [1, 2, 3, 4])

    assert sorted(pictures) == [1, 2, 3]
    assert pictures[1].uri.startswith("data:image/png;base64,iVBORw0KGgo")
    assert (pictures[2].uri, pictures[2].size) == ("", size + 1)
    assert [pictures[number].is_large for number in (1, 2, 3)] == [False, True, False]
    assert pictures[3].uri == ""
    rows.filter(number=2).update(thumbnail=b"RIFF    WEBP")
    (small,) = inlined_files.load_pictures(world.optimization, [2]).values()
    assert small.uri.startswith("data:image/webp;base64,UklGR")


def test_an_opening_is_in_the_audit_log_and_not_among_the_latest_changes(
    client: Client, world: World
) -> None:
    _, path = share(world.optimization)
    client.get(path)
    client.force_login(staff_world.make_member(world.organization, "viewer"))

    activity = client.get(reverse("admin:optimizations_optimization_activity"))
    log = client.get(reverse("admin:organizations_auditentry_changelist"))

    assert "Share link opened" in log.content.decode()
    assert "Share link opened" not in activity.content.decode()
    assert "Share link made" in activity.content.decode()

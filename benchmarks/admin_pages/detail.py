"""One optimization with weeks of counts, receipts and screenshots, and its pages."""

from datetime import timedelta
from random import Random
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from benchmarks.results import world
from benchmarks.results.world import WorldSize
from levered_site.demo import stories
from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import StaffMembership
from optimizations.admin import page_head, screenshot_upload
from optimizations.admin.tabs import registry
from optimizations.configuration import thumbnails
from optimizations.models import Assignment, Decision, Optimization
from optimizations.sharing import links
from warehouse import partitions

# 50 variants, and 24 contexts with `other` and `missing`.
SIZE = WorldSize([5, 5, 2], [4, 6], days=60, users=120_000, kind="bool")
RECEIPTS, RECEIPT_DAYS = 50_000, 5
VISITOR = "visitor-7"
PICTURE = stories.SCREENSHOTS / "sign_up_page" / "1.png"


def make_pages(user: User) -> dict[str, str]:
    """Build the optimization for a user, and return the addresses of its pages."""
    built = world.build_world(SIZE)
    optimization = Optimization.objects.get(pk=built["optimization"])
    organization = optimization.organization
    StaffMembership.objects.create(user=user, organization=organization, role="owner")
    png = PICTURE.read_bytes()
    optimization.variants.update(
        screenshot=png, thumbnail=thumbnails.make_thumbnail(png)
    )
    record_receipts(optimization)
    _, shared = links.create_link(optimization, SYSTEM_ACTOR, days=7)
    return list_tabs(optimization) | {
        "share": reverse(f"admin:{page_head.SHARE_URL}", args=[optimization.pk]),
        "report": reverse(f"admin:{page_head.REPORT_URL}", args=[optimization.pk]),
        "shared page": urlsplit(shared).path,
        "dialog of Ship": reverse(
            "admin:optimizations_optimization_do_ship", args=[optimization.pk]
        ),
        **list_variant_pages(optimization),
    }


def list_tabs(optimization: Optimization) -> dict[str, str]:
    """Return the tabs, and how they are asked for."""
    names = [*(tab.name for tab in registry.TABS), registry.SETTINGS]
    tabs = {name: registry.build_url(optimization, name) for name in names}
    other = '{"context 0": "other"}'
    return tabs | {
        "variants, as a table": f"{tabs['variants']}?view=table",
        "variants, filtered": f"{tabs['variants']}?level-0=1&sort=-users",
        "decisions, filtered": f"{tabs['decisions']}?variant=3&context={other}",
        "decisions of a visitor": f"{tabs['decisions']}?visitor={VISITOR}",
    }


def list_variant_pages(optimization: Optimization) -> dict[str, str]:
    """Return the pages of one variant, and the list of all."""
    key = optimization.variants.values_list("pk", flat=True)[2]
    return {
        "a variant": reverse("admin:optimizations_variant_change", args=[key]),
        "its screenshot": reverse(screenshot_upload.ROUTE, args=[key]),
        "list of variants": reverse("admin:optimizations_variant_changelist"),
    }


def record_receipts(optimization: Optimization) -> None:
    """Record decisions of the last days, some of contexts outside the levels."""
    rng = Random(7)  # noqa: S311 - a measurement, not a secret
    now = timezone.now()
    days = [(now - timedelta(days=day)).date() for day in range(RECEIPT_DAYS + 1)]
    partitions.ensure_partitions("decisions", days)
    keys = dict(optimization.variants.values_list("number", "variant_key"))
    receipts = []
    for number in range(RECEIPTS):
        variant = rng.choice(list(keys))
        level = rng.choice(("level 0", "level 1", "something else"))
        receipts.append(
            Decision(
                id=2**62 + number,
                organization_id=optimization.organization_id,
                optimization_id=optimization.pk,
                anonymous_id=f"visitor-{number}",
                variant_number=variant,
                variant=keys[variant],
                context=f'{{"context 0":"{level}"}}',
                in_holdout=rng.random() < 0.1,
                policy_version=1,
                propensity=1 / len(keys),
                decided_at=now - timedelta(days=RECEIPT_DAYS * rng.random()),
                draw_rule=Decision.DrawRule.RENDEZVOUS,
            )
        )
    Decision.objects.bulk_create(receipts, batch_size=5_000)
    Assignment.objects.bulk_create(map(_assign, receipts), batch_size=5_000)


def _assign(receipt: Decision) -> Assignment:
    shared = (
        *("optimization_id", "anonymous_id", "variant_number", "in_holdout"),
        *("policy_version", "propensity", "decided_at"),
    )
    fields = {name: getattr(receipt, name) for name in shared}
    return Assignment(decision_id=receipt.pk, **fields)

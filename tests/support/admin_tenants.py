"""Two organizations with a row of every kind that the admin shows of an organization."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.utils import timezone

from levered_site.admin.partitioned import EPOCH, MICROSECOND, PartitionedTableAdmin
from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import (
    AuditEntry,
    Member,
    Organization,
    StaffMembership,
)
from metrics.models import AssignmentSource
from models_app import runs
from models_app.models import PolicyVersion
from optimizations.admin.create.answers import Answers, Goal, dump_answers
from optimizations.cube import storage
from optimizations.models import (
    CubeDay,
    PublishedDay,
    Regime,
    ShareLink,
    UnfinishedOptimization,
    Variant,
)
from optimizations.sharing import links
from tests.support import staff_world
from tests.support.staff_world import World
from warehouse import partitions
from warehouse.models import Connection, ManagedExposure, ManagedReward

# What belongs to the installation, and is for those with Django's rights.
STAFF_MODELS = frozenset({"auth_user", "auth_group", "admin_logentry"})


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization whose every text holds `word`, with a row by each list's name."""

    word: str
    world: World
    rows: dict[str, Model]
    unfinished: UnfinishedOptimization  # of its owner, and in no list

    @property
    def organization(self) -> Organization:
        """Return the organization."""
        return self.world.organization

    def build_url_key(self, name: str) -> str:
        """Return what stands for the row in the address of its page."""
        row: Any = self.rows[name]
        page = admin.site._registry[type(row)]
        if not isinstance(page, PartitionedTableAdmin):
            return str(row.pk)
        moment = getattr(row, page.time_field)
        return f"{(moment - EPOCH) // MICROSECOND}-{row.pk}"


def list_scoped_names() -> set[str]:
    """Return the names of all lists of what belongs to an organization."""
    names = {_name_list(model) for model in admin.site._registry}
    return names - STAFF_MODELS


def make_tenant(word: str) -> Tenant:
    """Create an organization with a row for each list of the admin."""
    world = staff_world.make_world(f"{word} shop")
    world.metric.name = f"{word} metric"
    world.metric.save()
    world.optimization.name = f"{word} page"
    world.optimization.save()
    world.key.label = f"{word} key"
    world.key.save()
    rows = [*_make_settings(word, world), *_make_records(word, world)]
    rows += [_make_event(word, world, kind) for kind in ("exposure", "reward")]
    links.create_link(world.optimization, SYSTEM_ACTOR, days=30, label=f"{word} link")
    by_name = {_name_list(type(row)): row for row in rows}
    assert by_name.keys() == list_scoped_names(), "a kind of row is missing here"
    return Tenant(word, world, by_name, _make_unfinished(word, world))


def _name_list(model: type[Model]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"


def _make_unfinished(word: str, world: World) -> UnfinishedOptimization:
    goal = Goal(f"{word} form", world.organization.pk, str(world.metric.pk))
    return UnfinishedOptimization.objects.create(
        user=User.objects.get(username=f"{word}-owner"),
        answers=json.dumps(dump_answers(Answers(goal))),
    )


def _make_settings(word: str, world: World) -> list[Model]:
    organization = world.organization
    AuditEntry.objects.filter(organization=organization).update(target_name=word)
    audit_entry = AuditEntry.objects.filter(organization=organization).first()
    assert audit_entry is not None
    staff_world.make_member(organization, "owner", f"{word}-owner")
    return [
        organization,
        world.metric,
        world.optimization,
        world.optimization.model,
        world.key,
        audit_entry,
        StaffMembership.objects.get(organization=organization),
        Member.objects.create(
            organization=organization, user_id=f"user_{word}", role="admin"
        ),
        Connection.objects.create(
            organization=organization, provider="postgres", project_id=f"{word}-project"
        ),
        AssignmentSource.objects.create(
            organization=organization,
            name=f"{word} source",
            sql=f"SELECT '{word}'",
            column_mapping={"anonymous_id": word},
        ),
    ]


def _make_records(word: str, world: World) -> list[Model]:
    optimization, now = world.optimization, timezone.now()
    run = runs.request_training(optimization.model, requested_by=f"user:{word}")
    Regime.objects.filter(optimization=optimization).update(reason=word)
    variants = Variant.objects.filter(optimization=optimization)
    variants.filter(number=4).update(enabled=False)
    cells = storage.encode_day(
        storage.StoredDay(now.date(), (), (0,) * 32, 0, 0, "0" * 16)
    )
    return [
        run,
        variants.get(number=2),
        Regime.objects.get(optimization=optimization),
        PolicyVersion.objects.get(model=optimization.model),
        staff_world.record_decision(optimization, f"{word}-visitor"),
        CubeDay.objects.create(
            optimization=optimization,
            metric=world.metric,
            day=now.date(),
            cells=cells,
            computed_at=now,
        ),
        PublishedDay.objects.create(
            optimization=optimization,
            day=now.date() - timedelta(days=1),
            figures={"note": word},
            published_at=now,
        ),
    ]


def _make_event(word: str, world: World, kind: str) -> Model:
    now = timezone.now()
    partitions.ensure_partitions(f"managed_{kind}s", [now.date()])
    shared = {
        "organization_id": world.organization.pk,
        "optimization_id": world.optimization.pk,
        "anonymous_id": f"{word}-visitor",
        "timestamp_utc": now,
        "created_at": now,
    }
    if kind == "exposure":
        return ManagedExposure.objects.create(
            variant=f'{{"headline":"{word}"}}', context="{}", **shared
        )
    return ManagedReward.objects.create(name=f"{word}-reward", value=1, **shared)


def read_everything() -> dict[str, list[Any]]:
    """Return the rows of all tables with a page, but what log-ins change; and links."""
    skipped = {User, Group}
    models: list[type[Model]] = [*admin.site._registry, ShareLink]
    return {
        _name_list(model): list(model._default_manager.order_by("pk").values())
        for model in models
        if model not in skipped
    }

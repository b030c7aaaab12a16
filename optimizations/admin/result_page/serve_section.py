"""How to show a new optimization in a product: the next step before anybody is served."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import or_
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from levered_site.organizations import scopes
from levered_site.organizations.admin import get_staff_roles
from levered_site.organizations.models import ApiKey
from metrics.models import Metric
from optimizations.admin.result_page import serve_code
from optimizations.admin.result_page.serve_code import Reward, Served
from optimizations.configuration import lifecycle
from optimizations.models import Optimization
from optimizations.results.readings.full_results import FullResults
from warehouse.models import Connection

# The event that a metric's SQL on the managed store looks for.
EVENT_NAME: Final = re.compile(r"\bname\s*=\s*'((?:[^']|'')+)'", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Start:
    """Whether anybody ever got a variant, and a publishable key for the reward."""

    is_served: bool
    is_connected: bool
    reward: Reward
    public_key: str
    key_label: str


@dataclass(frozen=True, slots=True)
class CodeSample:
    """Code for one place, in a language, and the key that it needs.

    `key_path` opens the form of such a key; empty where the code needs no new one.
    """

    place: str
    language: str
    key_note: str
    code: str
    key_path: str = ""


@dataclass(frozen=True, slots=True)
class ServeSection:
    """What the section shows. `source` is where a connected warehouse has exposures."""

    samples: Sequence[CodeSample]
    contexts: Sequence[str]
    is_connected: bool
    source: str
    may_make_key: bool


def may_be_unserved(optimization: Optimization, full: FullResults) -> bool:
    """Return whether it is live, and nobody was counted so far."""
    users = full.progress.users
    is_empty = not (users.optimized or users.holdout or full.daily)
    return optimization.status == Optimization.Status.LIVE and is_empty


def load_start(optimization: Optimization, full: FullResults) -> Start:
    """Return how far an optimization is of which nobody was counted, in one query."""
    metric = optimization.reward_metric
    assert metric is not None  # one that is live has one
    reward = _find_reward(optimization, metric)
    keys = _list_keys(reward)
    served = (
        Q(Exists(model.objects.filter(optimization_id=OuterRef("pk"))))
        for model in lifecycle.SERVED_RECORDS
    )
    row = (
        Optimization.objects.filter(pk=optimization.pk)
        .annotate(
            is_served=ExpressionWrapper(reduce(or_, served), BooleanField()),
            public_key=Subquery(keys.values("public_key")[:1]),
            key_label=Subquery(keys.values("label")[:1]),
        )
        .values("is_served", "public_key", "key_label")
        .get()
    )
    return Start(
        is_served=row["is_served"],
        is_connected=full.regimes[-1].warehouse != Connection.Provider.MANAGED,
        reward=reward,
        public_key=row["public_key"] or "",
        key_label=row["key_label"] or "",
    )


def _list_keys(reward: Reward) -> "QuerySet[ApiKey]":
    """Return the publishable keys for a reward, for an optimization around the query."""
    is_valid = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    keys = ApiKey.objects.active().filter(
        is_valid,
        organization=OuterRef("organization"),
        rewards__contains=[{"name": reward.name}],
    )
    return keys.exclude(public_key="").order_by("-created_at", "-id")


def build_serve_section(
    request: HttpRequest, optimization: Optimization, start: Start
) -> ServeSection:
    """Return the code that shows the optimization in a page and on a server."""
    config = optimization.model.training_data_config
    served = Served(
        api_url=settings.PUBLIC_URL,
        optimization_id=str(optimization.pk),
        fallback=_take_first_levels(config["design_factors"]),
        context=_take_first_levels(config.get("context_factors") or ()),
        reward=None if start.is_connected else start.reward,
    )
    source = optimization.assignment_source if start.is_connected else None
    organization_id = optimization.organization_id
    return ServeSection(
        samples=_list_samples(served, start, organization_id),
        contexts=list(served.context),
        is_connected=start.is_connected,
        source=source.name if source else "",
        may_make_key=get_staff_roles(request).has_in("owner", organization_id),
    )


def _list_samples(
    served: Served, start: Start, organization_id: str
) -> list[CodeSample]:
    build_path = partial(_build_key_path, organization_id)
    public_path = ""
    if served.reward is None:
        public = "It needs no key."
    elif start.public_key:
        public = f"With your publishable key “{start.key_label}”."
        served = replace(served, public_key=start.public_key)
    else:
        public = (
            "Put a publishable key into it that lists the reward "
            f"“{start.reward.name}”. Such a key may stand in a page."
        )
        public_path = build_path(scopes.TRACK, reward=start.reward.name)
    names = (scopes.SERVE, scopes.INGEST) if served.reward else (scopes.SERVE,)
    noun = "scopes" if len(names) > 1 else "scope"
    secret = f"LEVERED_KEY is a secret key, with the {noun} {' and '.join(names)}."
    path = build_path(*names)
    javascript = serve_code.write_javascript(served)
    python, curl = serve_code.write_python(served), serve_code.write_curl(served)
    return [
        CodeSample("In a web page", "JavaScript", public, javascript, public_path),
        CodeSample("On a server", "Python", secret, python, path),
        CodeSample("Anywhere else", "HTTP", secret, curl, path),
    ]


def _build_key_path(organization_id: str, *names: str, **fields: str) -> str:
    """Return the form of a new key with the scopes, and more fields, filled in."""
    query = {"organization": organization_id, "scopes": ",".join(names), **fields}
    return f"{reverse('admin:organizations_apikey_add')}?{urlencode(query, safe=',')}"


def _take_first_levels(factors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {factor["name"]: factor["levels"][0]["value"] for factor in factors}


def _find_reward(optimization: Optimization, metric: Metric) -> Reward:
    """Return the reward that the metric's SQL looks for; else the configured one."""
    configured = optimization.model.training_data_config["reward"]["name"]
    names = set(EVENT_NAME.findall(metric.sql))
    name = names.pop().replace("''", "'") if len(names) == 1 else configured
    return Reward(name, has_amount=metric.reward_type == "numeric")

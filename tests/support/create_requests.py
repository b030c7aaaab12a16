"""Requests of the form of a new optimization, as a browser without scripts sends them."""

import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.test import Client
from django.urls import reverse

from levered_site.organizations.models import Organization
from metrics.models import Metric

ROUTE = "admin:optimizations_optimization_create"


@dataclass(frozen=True, slots=True)
class CreateForm:
    """A form of its own, which a client fills in."""

    client: Client
    pk: UUID = field(default_factory=uuid4)

    def build_path(self, step: str) -> str:
        """Return the path of a step."""
        return reverse(ROUTE, args=[self.pk, step])

    def read(self, step: str, **query: str) -> str:
        """Return the page of a step."""
        return self.client.get(self.build_path(step), query).content.decode()

    def send(self, step: str, do: str, fields: Any = (), **version: Any) -> Any:
        """Send a step with the version that its page shows; return the answer."""
        page = self.read(step)
        shown = {
            name: value
            for name in ("revision", "writer", "digest")
            for value in re.findall(rf'name="{name}" value="(\w+)"', page)
        }
        body = {**dict(fields), **shown, **version, "do": do}
        return self.client.post(self.build_path(step), body)

    def fill(self, organization: Organization, metric: Metric | None = None) -> None:
        """Fill in all steps with an example, and continue from each."""
        self.send("goal", "continue", build_goal(organization, metric))
        self.send("factors", "continue", build_factors())
        self.send("traffic", "continue", {"holdout_percentage": "20"})


def build_goal(
    organization: Organization, metric: Metric | None = None, name: str = "Landing page"
) -> dict[str, Any]:
    """Return the fields of the first step."""
    return {
        "name": name,
        "organization": organization.pk,
        "metric": str(metric.pk) if metric else "none",
    }


def build_factors(
    *rows: tuple[str, list[str]], contexts: tuple[tuple[str, list[str]], ...] = ()
) -> dict[str, Any]:
    """Return the fields of the second step: names and levels, keys counted from 1."""
    design = rows or (("headline", ["Plain", "Bold"]), ("color", ["Gray", "Green"]))
    fields: dict[str, Any] = {"design": [], "context": []}
    for key, (name, levels) in enumerate((*design, *contexts), start=1):
        fields["design" if key <= len(design) else "context"].append(str(key))
        fields[f"name-{key}"] = name
        for number, level in enumerate(levels, start=1):
            fields[f"level-{key}-{number}"] = level
    return fields


def find_problem(page: str, field_id: str) -> str | None:
    """Return what a page says is wrong with a field."""
    found = re.search(rf'id="{field_id}-problem">(.*?)</span>', page, re.DOTALL)
    return found and found[1].strip()


def list_steps(page: str) -> list[str]:
    """Return the texts of the list of steps, without their numbers."""
    buttons = re.findall(
        r'value="go:\w+" class="create-step.*?>(.*?)</button>', page, re.DOTALL
    )
    return [" ".join(re.sub("<.*?>", " ", text).split()[1:]) for text in buttons]

"""The dashboard, the alerts and the page of metrics name what /metrics exports."""

import json
import re
from collections import defaultdict
from typing import Any

import pytest
import yaml
from django.test import Client
from django.utils import timezone

from optimizations.cube import count_metrics
from optimizations.serving import metrics
from tests.support.code_blocks import ROOT

METRIC = re.compile(r"\blevered_\w+")
SAMPLE = re.compile(r"^(levered_\w+)(?:\{(.*)\})? ", re.MULTILINE)
LABEL_MATCHER = re.compile(r'(\w+)(?:=|!=|=~|!~)"')
GROUPING = re.compile(r"\bby \(([^)]*)\)")
ADDED_BY_PROMETHEUS = {"job", "instance"}


def _list_panels() -> list[dict[str, Any]]:
    text = (ROOT / "deploy/grafana/levered.json").read_text()
    panels: list[dict[str, Any]] = json.loads(text)["panels"]
    return panels


def _list_rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
    rules: list[dict[str, Any]] = document["groups"][0]["rules"]
    return rules


EXPRESSIONS = [
    target["expr"] for panel in _list_panels() for target in panel.get("targets", [])
] + [rule["expr"] for rule in _list_rules()]


@pytest.fixture
def exported() -> dict[str, set[str]]:
    """Return the labels of every exported sample name."""
    Client().get("/healthz")  # so that some request was counted
    metrics.set_training_times(timezone.now(), timezone.now())  # as the clock does
    count_metrics.set_uncounted(rewards=0, guardrails=0)
    text = Client().get("/metrics").content.decode()
    labels: dict[str, set[str]] = defaultdict(set)
    for name, pairs in SAMPLE.findall(text):
        labels[name] |= set(LABEL_MATCHER.findall(pairs or ""))
    return labels


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_query_reads_metrics_and_labels_that_exist(
    exported: dict[str, set[str]], expression: str
) -> None:
    names = set(METRIC.findall(expression))

    assert names
    assert names <= set(exported)
    used_labels = set(LABEL_MATCHER.findall(expression)) | {
        label.strip()
        for group in GROUPING.findall(expression)
        for label in group.split(",")
    }
    available = set().union(*(exported[name] for name in names), ADDED_BY_PROMETHEUS)
    assert used_labels <= available
    assert expression.count("(") == expression.count(")")


def test_the_dashboard_shows_every_metric() -> None:
    expressions = " ".join(EXPRESSIONS)

    for name in _list_documented_names() - {"levered_policy_trained_timestamp_seconds"}:
        assert name in expressions


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = _list_panels()
    cells = [
        (x, y)
        for panel in panels
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def _list_documented_names() -> set[str]:
    page = (ROOT / "docs/monitoring.md").read_text()
    return set(re.findall(r"^\| `(levered_\w+)`", page, re.MULTILINE))


def test_the_page_lists_exactly_the_metrics_that_are_exported(
    exported: dict[str, set[str]],
) -> None:
    families = {
        re.sub(r"_(bucket|sum|count|created)$", "", name)
        for name in exported
        if not name.endswith("_created")
    }

    assert _list_documented_names() == families


def test_the_page_explains_every_outcome_and_every_alert(
    exported: dict[str, set[str]],
) -> None:
    page = (ROOT / "docs/monitoring.md").read_text()
    text = Client().get("/metrics").content.decode()
    outcomes = set(re.findall(r'levered_decisions_total\{outcome="(\w+)"', text))
    outcomes |= set(re.findall(r'levered_failed_counts_total\{.*reason="(\w+)"', text))

    rows = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert outcomes
    assert outcomes <= rows
    assert {rule["alert"] for rule in _list_rules()} <= rows


def test_every_alert_says_how_grave_it_is_and_what_happened() -> None:
    for rule in _list_rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["for"]

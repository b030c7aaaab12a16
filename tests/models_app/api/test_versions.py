"""The policy versions of a model over HTTP: what each served."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.utils import timezone

from levered_site.celery import app
from models_app import version_history, versions
from models_app.models import PolicyVersion
from optimizations.models import Optimization
from optimizations.training import version_retention
from tests.support import factories, traffic
from tests.support.factories import Api, read_body, read_error
from tests.support.learning import headline_b_rate, train_model
from tests.support.optimization_factories import make_optimization, make_organization

pytestmark = pytest.mark.django_db(transaction=True)
EVENLY = {"1": 0.25, "2": 0.25, "3": 0.25, "4": 0.25}


def train_here(optimization: Optimization) -> None:
    """Train in this process, and leave no task for a worker."""
    train_model(optimization)
    app.control.purge()


def list_versions(optimization: Optimization, api: Api, query: str = "") -> Any:
    response = api.get(f"/models/{optimization.model_id}/versions{query}")
    assert response.status_code == 200, response.content
    return read_body(response)


def test_the_start_serves_evenly_and_judges_nothing(
    optimization: Optimization, api: Api
) -> None:
    (start,) = list_versions(optimization, api)["versions"]

    assert (start["version"], start["cause"]) == (0, "start")
    assert start["weights"] == EVENLY
    assert start["prob_best"] is start["training_run_id"] is None
    assert start["unavailable"] == {"prob_best": version_history.NOT_TRAINED}


def test_a_trained_version_has_the_figures_of_the_state(
    optimization: Optimization, api: Api
) -> None:
    train_here(optimization)

    newest, start = list_versions(optimization, api)["versions"]
    state = read_body(api.get(f"/models/{optimization.model_id}/state"))

    assert (newest["version"], newest["cause"], start["version"]) == (1, "training", 0)
    run = optimization.model.training_runs.get()
    assert newest["training_run_id"] == str(run.pk)
    shown = {str(row["number"]): row for row in state["variants"]}
    # The holdout of 25% is no part of a version.
    assert newest["weights"] == {
        number: pytest.approx(row["weight"] / 0.75) for number, row in shown.items()
    }
    assert sum(newest["weights"].values()) == pytest.approx(1)
    assert newest["prob_best"] == {
        number: row["prob_best"] for number, row in shown.items()
    }
    assert newest["unavailable"] == {}


def test_weights_are_averaged_over_the_contexts_that_were_counted(
    optimization: Optimization, api: Api
) -> None:
    train_here(optimization)
    version = PolicyVersion.objects.get(number=1)
    assert version.report is not None
    users = np.zeros(version.segments)
    for cell, count in version.report["counts"]["segments"].items():
        users[int(cell)] = count
    assert (users > 0).sum() > 1
    expected = users / users.sum() @ versions.read_table(version)

    newest = list_versions(optimization, api)["versions"][0]

    assert list(newest["weights"].values()) == pytest.approx(expected)


def test_a_change_of_variants_makes_a_version_that_nobody_has_judged(
    optimization: Optimization, api: Api
) -> None:
    train_here(optimization)
    path = f"/optimizations/{optimization.pk}/variants/2"
    assert api.patch(path, {"enabled": False}).status_code == 200

    newest, trained, _ = list_versions(optimization, api)["versions"]

    assert (newest["version"], newest["cause"]) == (2, "variants")
    assert newest["weights"]["2"] == 0
    assert sum(newest["weights"].values()) == pytest.approx(1)
    assert newest["prob_best"] is None
    assert newest["unavailable"] == {"prob_best": version_history.NOT_LEARNED}
    assert trained["weights"]["2"] > 0
    assert trained["prob_best"] is not None


def test_a_change_of_variants_before_any_training_serves_the_others_evenly(
    optimization: Optimization, api: Api
) -> None:
    path = f"/optimizations/{optimization.pk}/variants/2"
    assert api.patch(path, {"enabled": False}).status_code == 200
    table = versions.read_table(PolicyVersion.objects.get(number=1))

    newest, _ = list_versions(optimization, api)["versions"]

    third = pytest.approx(1 / 3)
    assert newest["weights"] == {"1": third, "3": third, "4": third}
    assert table[0].tolist() == [third, 0, third, third]
    assert newest["prob_best"] is None


def test_nothing_is_best_before_a_user_is_mature() -> None:
    optimization = make_optimization(make_organization())
    at = timezone.now() - timedelta(hours=2)
    traffic.simulate_visitors(optimization, at, 100, headline_b_rate)
    train_here(optimization)
    api = factories.make_member_api(optimization.organization)

    newest, _ = list_versions(optimization, api)["versions"]
    state = read_body(api.get(f"/models/{optimization.model_id}/state"))

    assert newest["prob_best"] is None
    reason = state["unavailable"]["variants.prob_best"]
    assert newest["unavailable"] == {"prob_best": reason}


def test_a_version_without_its_figures_keeps_what_it_served(
    optimization: Optimization, api: Api
) -> None:
    train_here(optimization)
    train_here(optimization)
    before = list_versions(optimization, api)["versions"]
    made_at = timezone.now() - timedelta(days=settings.POLICY_FIGURE_DAYS + 1)
    for version in PolicyVersion.objects.all():
        moment = made_at + timedelta(seconds=version.number)
        PolicyVersion.objects.filter(pk=version.pk).update(created_at=moment)
    assert version_retention.prune_versions(timezone.now()).thinned == 1

    newest, old, _ = list_versions(optimization, api)["versions"]

    assert newest["prob_best"] == before[0]["prob_best"]
    assert old["weights"] == before[1]["weights"]
    assert before[1]["prob_best"] is not None
    assert old["prob_best"] is None
    assert old["unavailable"] == {"prob_best": version_history.FIGURES_DROPPED}


def test_versions_come_in_pages_newest_first(
    optimization: Optimization, api: Api
) -> None:
    train_here(optimization)
    train_here(optimization)

    numbers, cursor = [], ""
    while cursor is not None:
        page = list_versions(optimization, api, f"?limit=2&cursor={cursor}")
        numbers += [row["version"] for row in page["versions"]]
        cursor = page["next_cursor"]
    refused = api.get(f"/models/{optimization.model_id}/versions?order_by=created_at")

    assert numbers == [2, 1, 0]
    assert refused.status_code == 400
    assert read_error(refused)["details"][0]["field"] == "order_by"


def test_a_page_reads_no_table(
    optimization: Optimization, api: Api, django_assert_max_num_queries: Any
) -> None:
    train_here(optimization)
    read_body(api.get("/me"))  # creates the member

    with django_assert_max_num_queries(3) as queries:
        list_versions(optimization, api)

    (statement,) = [each["sql"] for each in queries if "policyversion" in each["sql"]]
    selected = statement.partition(" FROM ")[0]
    assert '"probabilities"' not in selected
    assert '"models_app_policyversion"."report",' not in selected


def test_a_draft_has_no_versions() -> None:
    draft = make_optimization(make_organization(), status="draft")
    api = factories.make_member_api(draft.organization)

    assert list_versions(draft, api) | {"meta": None} == {
        "versions": [],
        "next_cursor": None,
        "meta": None,
    }

"""Staff take lists and readings away as CSV, with the API's columns and their rows only."""

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from models_app.models import TrainingRun
from optimizations.models import Optimization
from tests.support import factories, staff_world
from tests.support.csv_answers import read_csv
from tests.support.optimization_factories import make_metric, make_optimization
from tests.support.unhealthy_worlds import make_broken_split

pytestmark = pytest.mark.django_db(transaction=True)

LIST = reverse("admin:optimizations_optimization_csv_list")
WORDS = ["action_in_words", "actor_in_words", "changes_in_words"]
OTHER_LISTS = (
    *("metrics_metric", "metrics_assignmentsource", "models_app_banditmodel"),
    *("models_app_trainingrun", "organizations_apikey", "organizations_auditentry"),
)
EXPECTED = {"mean": 0.2, "ci_lower": 0.1, "ci_upper": 0.3}


def read_download(response: Any) -> tuple[list[str], list[dict[str, str]]]:
    """Return the header and the rows of a download, which is marked as UTF-8."""
    assert response.status_code == 200, response
    assert response["Content-Type"].startswith("text/csv; charset=utf-8")
    text = response.content.decode("utf-8-sig")
    assert response.content.startswith(b"\xef\xbb\xbf")
    header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    return header, [dict(zip(header, line, strict=True)) for line in lines]


@pytest.fixture
def broken(client: Client) -> Optimization:
    """Make an optimization with a broken split, and log a viewer of it in."""
    optimization = make_broken_split()
    client.force_login(staff_world.make_member(optimization.organization, "viewer"))
    return optimization


def test_a_list_has_the_rows_that_its_user_sees_and_the_columns_of_the_api(
    client: Client, broken: Optimization
) -> None:
    make_optimization(factories.make_organization(), name="Not theirs")
    api = factories.make_member_api(broken.organization)
    names, rows = read_csv(api.get("/optimizations", Accept="text/csv"))

    header, downloaded = read_download(client.get(LIST))

    assert header == ["organization_id", *names]
    assert downloaded == [{"organization_id": broken.organization_id, **rows[0]}]


def test_a_list_is_downloaded_as_it_is_filtered(
    client: Client, broken: Optimization
) -> None:
    draft = make_optimization(broken.organization, name="=1+1", status="draft")
    page = reverse("admin:optimizations_optimization_changelist")
    shown = client.get(page, {"status__exact": "draft"}).content.decode()

    _, rows = read_download(client.get(LIST, {"status__exact": "draft"}))
    searched = client.get(LIST, {"q": broken.name})

    assert 'href="csv/?status__exact=draft"' in shown
    assert [(row["id"], row["name"]) for row in rows] == [(str(draft.pk), "'=1+1")]
    assert [row["id"] for row in read_download(searched)[1]] == [str(broken.pk)]


@pytest.mark.usefixtures("broken")
def test_a_query_that_the_list_does_not_know_leads_back_to_it(client: Client) -> None:
    response = client.get(LIST, {"nothing__exact": "x"})

    assert response.status_code == 302
    assert response["Location"].startswith(LIST.removesuffix("csv/"))


def test_readings_are_downloaded_with_their_health_in_every_row(
    client: Client, broken: Optimization
) -> None:
    page = client.get(
        reverse("admin:optimizations_optimization_change", args=[broken.pk])
    )
    path = reverse("admin:optimizations_optimization_csv", args=[broken.pk])
    api = factories.make_member_api(broken.organization)
    asked = {
        "": "results",
        "?section=contexts": "results?section=contexts",
        "?reading=lift-history": "lift-history",
        "?reading=holdout-daily": "holdout-daily",
    }

    for query, reading in asked.items():
        assert f'href="{path}{query}"' in page.content.decode()
        expected = read_csv(
            api.get(f"/optimizations/{broken.pk}/{reading}", Accept="text/csv")
        )
        header, rows = read_download(client.get(f"{path}{query}"))
        assert (header, rows) == expected
        assert {row["reading.health"] for row in rows} == {"broken"}


def test_an_unknown_reading_or_section_is_not_found(
    client: Client, broken: Optimization
) -> None:
    path = reverse("admin:optimizations_optimization_csv", args=[broken.pk])

    for query in (
        "?reading=secrets",
        "?section=secrets",
        "?reading=guardrails&section=x",
    ):
        assert client.get(f"{path}{query}").status_code == 404


def test_nobody_else_takes_anything_away(client: Client, broken: Optimization) -> None:
    path = reverse("admin:optimizations_optimization_csv", args=[broken.pk])
    stranger = staff_world.make_member(
        factories.make_organization(), "owner", "stranger"
    )
    lists = [LIST, *(reverse(f"admin:{name}_csv_list") for name in OTHER_LISTS)]

    client.logout()
    statuses = {client.get(each).status_code for each in (path, *lists)}
    client.force_login(stranger)
    foreign = client.get(path)
    empty = [read_download(client.get(each))[1] for each in lists]

    assert statuses == {302}
    assert foreign.status_code == 404
    assert not any(empty)


def test_metrics_are_downloaded(client: Client, broken: Optimization) -> None:
    metric = make_metric(broken.organization, name="-2 refunds")

    _, rows = read_download(client.get(reverse("admin:metrics_metric_csv_list")))

    assert {row["id"] for row in rows} >= {str(metric.pk)}
    assert "'-2 refunds" in {row["name"] for row in rows}


def test_models_runs_keys_and_the_audit_log_have_the_rows_of_the_api(
    client: Client, broken: Optimization
) -> None:
    factories.make_api_key(broken.organization)
    api = factories.make_admin_api(broken.organization)
    runs = f"/models/{broken.model_id}/training-runs"
    paths = {
        "models_app_banditmodel": "/models",
        "models_app_trainingrun": runs,
        "organizations_apikey": "/api-keys",
        "organizations_auditentry": "/audit",
    }

    for name, path in paths.items():
        names, rows = read_csv(api.get(path, Accept="text/csv"))
        page = client.get(reverse(f"admin:{name}_changelist"))
        header, downloaded = read_download(
            client.get(f"{page.request['PATH_INFO']}csv/")
        )

        assert 'href="csv/"' in page.content.decode(), name
        words = WORDS if path == "/audit" else []
        assert header == ["organization_id", *names, *words]
        assert rows, name
        assert all(row.pop(column) for row in downloaded for column in words)
        assert downloaded == [
            {"organization_id": broken.organization_id, **row} for row in rows
        ]


def test_many_trainings_need_no_query_each(
    client: Client,
    broken: Optimization,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    """Not even where the last count distrusts the model, so that newer ones are sought."""
    summary = broken.results_summary
    summary.check_reasons = [{"code": "baseline_sanity", "message": "Rewards differ."}]
    summary.save()
    run = TrainingRun.objects.get(model=broken.model_id)
    figures = {**(run.in_sample_metrics or {}), "expected_reward": EXPECTED}
    older = [
        TrainingRun(
            model_id=broken.model_id,
            status="succeeded",
            policy_version=0,
            in_sample_metrics=figures,
        )
        for _ in range(20)
    ]
    TrainingRun.objects.bulk_create(older)
    run.in_sample_metrics = figures
    run.save()

    with django_assert_max_num_queries(12):
        answer = client.get(reverse("admin:models_app_trainingrun_csv_list"))

    _, rows = read_download(answer)
    means = {row["id"]: row["in_sample_metrics.expected_reward.mean"] for row in rows}
    assert means == {str(run.pk): "", **{str(each.pk): "0.2" for each in older}}

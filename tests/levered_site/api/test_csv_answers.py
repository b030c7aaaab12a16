"""CSV over HTTP: negotiation, headers, pages, errors and who may."""

import gzip
import re

import pytest
from django.http import HttpResponse
from pytest_django import Settings

from optimizations.models import Optimization
from tests.support import factories
from tests.support.csv_answers import read_csv
from tests.support.factories import Api, read_body, read_error
from tests.support.optimization_factories import (
    make_config,
    make_factor,
    make_metric,
    make_optimization,
    make_organization,
)
from tests.support.result_visitors import make_member_api, make_visited_optimization
from tests.support.unhealthy_worlds import make_broken_split

pytestmark = pytest.mark.django_db(transaction=True)

CSV = "text/csv"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def get_csv(api: Api, path: str, **headers: str) -> HttpResponse:
    """Send a GET that asks for CSV."""
    return api.get(path, Accept=CSV, **headers)


@pytest.fixture
def optimization() -> Optimization:
    """Return a live optimization without visitors."""
    return make_optimization(make_organization())


@pytest.mark.parametrize(
    "accept", ["", "*/*", BROWSER, "application/xml", "text/csv;q=0"]
)
def test_json_is_the_answer_unless_csv_is_asked_for(
    optimization: Optimization, accept: str
) -> None:
    response = make_member_api(optimization).get("/optimizations", Accept=accept)

    assert response["Content-Type"] == "application/json"
    assert "Accept" in response["Vary"]
    assert len(read_body(response)["optimizations"]) == 1


def test_an_answer_without_rows_is_json(optimization: Optimization) -> None:
    api = make_member_api(optimization)

    for path in ("/me", f"/optimizations/{optimization.pk}"):
        response = get_csv(api, path)

        assert response["Content-Type"] == "application/json"


def test_csv_is_a_file_with_a_safe_name(optimization: Optimization) -> None:
    api = make_member_api(optimization)
    path = f"/optimizations/{optimization.pk}/results"
    table = "/warehouse/tables/managed_dw.rewards/columns"

    names = [
        get_csv(api, each)["Content-Disposition"]
        for each in ("/optimizations", path, f"{path}?section=contexts", table)
    ]

    short_id = str(optimization.pk)[:8]
    assert names == [
        'attachment; filename="optimizations.csv"',
        f'attachment; filename="optimizations-{short_id}-results.csv"',
        f'attachment; filename="optimizations-{short_id}-results-contexts.csv"',
        'attachment; filename="warehouse-tables-managed_dw-rewards-columns.csv"',
    ]


def test_a_user_id_in_the_path_cannot_break_the_name(
    optimization: Optimization,
) -> None:
    api, user = make_member_api(optimization), 'a"; filename=x\u202e.exe'
    path = f"/optimizations/{optimization.pk}"
    factories.Api().post(f"{path}/serve", {"anonymous_id": user, "context": {}})

    response = get_csv(api, f"{path}/decisions/a%22;%20filename=x%E2%80%AE.exe")

    assert read_csv(response)[1]
    name = re.fullmatch(r'attachment; filename="(.*)"', response["Content-Disposition"])
    assert name is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]+\.csv", name[1])


def test_pages_are_linked_until_the_last(settings: Settings) -> None:
    organization = make_organization()
    ids = {str(make_metric(organization).pk) for _ in range(5)}
    api = factories.make_member_api(organization)

    path, read, pages = "/warehouse/metrics?limit=2", [], 0
    while path:
        response = get_csv(api, path)
        read += [row["id"] for row in read_csv(response)[1]]
        link = re.fullmatch(r'</api/v2(/.*)>; rel="next"', response.get("Link", ""))
        path, pages = link[1] if link else "", pages + 1

    assert (set(read), len(read), pages) == (ids, 5, 3)


def test_errors_are_json(optimization: Optimization) -> None:
    api = make_member_api(optimization)
    unknown = f"/optimizations/{make_metric(make_organization()).pk}/results"

    refused = [
        (get_csv(factories.Api(), "/optimizations"), 401, "unauthorized"),
        (get_csv(api, unknown), 404, "not_found"),
        (get_csv(api, "/optimizations?limit=0"), 400, "invalid_parameters"),
        (get_csv(api, "/optimizations?limits=5"), 400, "invalid_parameters"),
    ]

    for response, status, code in refused:
        assert response["Content-Type"] == "application/json"
        assert (response.status_code, read_error(response)["code"]) == (status, code)
        assert not response.has_header("Content-Disposition")


def test_a_section_is_chosen_among_those_that_there_are(
    optimization: Optimization,
) -> None:
    api, path = (
        make_member_api(optimization),
        f"/optimizations/{optimization.pk}/results",
    )

    header, _ = read_csv(get_csv(api, f"{path}?section=lift"))
    refused = read_error(get_csv(api, f"{path}?section=variant"))
    as_json = read_error(api.get(f"{path}?section=lift"))
    single = read_error(get_csv(api, "/optimizations?section=optimizations"))

    assert {"metric_name", "lift_ci_anytime_lo", "lift_ci_anytime_hi"} <= set(header)
    assert "must be one of variants, lift, stats" in refused["message"]
    assert "Accept: text/csv" in as_json["message"]
    assert "unknown query parameter" in single["message"]


def test_a_key_that_may_read_may_take_away_and_others_may_not(
    optimization: Optimization,
) -> None:
    organization = optimization.organization
    path = f"/optimizations/{optimization.pk}/variants"

    statuses = {
        scope: get_csv(
            Api(factories.make_api_key(organization, scopes=(scope,))), path
        ).status_code
        for scope in ("read", "write", "ingest", "serve")
    }
    other = get_csv(factories.make_admin_api(make_organization()), path)

    assert statuses == {"read": 200, "write": 200, "ingest": 403, "serve": 403}
    assert other.status_code == 404


def test_broken_figures_are_marked_in_the_headers_and_in_every_row() -> None:
    optimization = make_broken_split()
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"

    for name in ("results", "lift-history", "holdout-daily", "outcome-mix", "progress"):
        response = get_csv(api, f"{path}/{name}")
        _, rows = read_csv(response)

        assert re.match(r'broken; reasons="sample_ratio', response["X-Health"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", response["X-As-Of"])
        assert {row["reading.health"] for row in rows} == {"broken"}
        assert {row["reading.as_of"] for row in rows} == {response["X-As-Of"]}
        assert all("sample_ratio" in row["reading.health_reasons"] for row in rows)


def test_withheld_figures_are_empty_with_their_reason_beside_them() -> None:
    optimization = make_visited_optimization()  # counted by nobody, and not trained
    api, path = (
        make_member_api(optimization),
        f"/optimizations/{optimization.pk}/results",
    )

    response = get_csv(api, f"{path}?section=variants")
    _, rows = read_csv(response)
    empty = get_csv(api, f"{path}?section=interactions")

    assert {row["prob_best"] for row in rows} == {""}
    assert all("prob_best" in row["unavailable"] for row in rows)
    assert read_csv(empty)[1] == []
    assert "trained" in empty["X-Unavailable"] or "training" in empty["X-Unavailable"]


def test_csv_is_compressed_as_json_is() -> None:
    levels = [f"a rather long headline, number {number}" for number in range(20)]
    config = make_config(design_factors=[make_factor("headline", *levels)])
    optimization = make_optimization(make_organization(), training_data_config=config)
    api, path = (
        make_member_api(optimization),
        f"/optimizations/{optimization.pk}/variants",
    )

    plain, compressed = get_csv(api, path), get_csv(api, path, Accept_Encoding="gzip")

    assert gzip.decompress(compressed.content) == plain.content
    assert compressed["Content-Type"] == plain["Content-Type"]
    assert {"Accept", "Accept-Encoding"} <= set(re.split(r",\s*", compressed["Vary"]))


def test_an_etag_is_that_of_the_json_and_good_for_a_304(
    optimization: Optimization,
) -> None:
    api, path = make_member_api(optimization), f"/models/{optimization.model_id}/policy"

    as_json, as_csv = api.get(path), get_csv(api, path)
    unchanged = get_csv(api, path, If_None_Match=as_csv["ETag"])

    assert as_json["ETag"] == as_csv["ETag"]
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_a_page_of_a_configured_origin_may_read_the_headers(
    optimization: Optimization, settings: Settings
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]

    response = get_csv(
        make_member_api(optimization), "/optimizations", Origin="https://app.example"
    )

    exposed = set(response["Access-Control-Expose-Headers"].split(", "))
    assert {"Content-Disposition", "Link", "X-As-Of", "X-Health"} <= exposed
    assert {"X-Truncated", "X-Unavailable"} <= exposed


def test_head_has_the_headers_of_the_file(optimization: Optimization) -> None:
    api = make_member_api(optimization)

    response = api.request("HEAD", "/optimizations", headers={"Accept": CSV})

    assert response["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert response.has_header("Content-Disposition")
    assert response.content == b""


def test_a_formula_in_a_name_is_not_taken_away_as_one() -> None:
    organization = make_organization()
    make_metric(organization, name='=HYPERLINK("http://evil.example")')

    response = get_csv(factories.make_member_api(organization), "/warehouse/metrics")

    (row,) = read_csv(response)[1]
    assert row["name"] == '\'=HYPERLINK("http://evil.example")'


def test_a_part_of_a_report_that_fails_is_an_error_of_its_section() -> None:
    draft = make_optimization(make_organization(), status="draft")
    api, path = make_member_api(draft), f"/optimizations/{draft.pk}/report-data"

    whole = read_body(api.get(path))
    failing = [name for name, part in whole.items() if "error" in (part or {})]

    for name in failing:
        section = {"results": "variants", "policy_lift_history": "lift_history"}
        response = get_csv(api, f"{path}?section={section.get(name, name)}")
        assert response.status_code >= 400
        assert read_error(response)["code"] == whole[name]["error"]["code"]

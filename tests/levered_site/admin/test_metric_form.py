"""The form of a metric: it creates what the API creates, and says what the API says."""

from typing import Any

import pytest
from django.test import Client

from levered_site.admin.html import NO_BREAK_SPACE
from levered_site.organizations.models import AuditEntry
from metrics.models import Metric
from tests.support import admin_forms, factories, staff_world
from tests.support.admin_actions import read_last_audit, read_messages
from tests.support.staff_world import World
from warehouse.models import Connection, ManagedReward

pytestmark = pytest.mark.django_db

SQL = (
    "SELECT anonymous_id, timestamp_utc, value, name FROM managed_dw.rewards "
    "WHERE timestamp_utc >= @start_date"
)
NO_ROWS = "The query returned no rows for the last 30 days."


def fill(client: Client, **values: Any) -> dict[str, Any]:
    """Return the form of a new metric as it is opened, with what a person enters."""
    form = admin_forms.open_add_form(client, Metric)
    return {**form, "name": "Orders", "sql": SQL, **values}


def send(client: Client, form: dict[str, Any], **options: Any) -> Any:
    """Send the form of a new metric."""
    return client.post(admin_forms.build_add_url(Metric), form, **options)


def preview(client: Client, form: dict[str, Any], path: str = "") -> str:
    """Press the button that shows what the SQL finds; return the fragment."""
    answer = client.post(
        path or admin_forms.build_add_url(Metric),
        {**form, "_preview": "asked"},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_editor_creates_a_metric_as_the_api_does(client: Client) -> None:
    acme = factories.make_organization("Acme")
    client.force_login(staff_world.make_member(acme, "editor"))
    form = fill(client, reward_type="numeric", value_column="value", look_back_days="7")

    answer = send(client, form, follow=True)

    metric = Metric.objects.get()
    assert (metric.organization, metric.name, metric.sql) == (acme, "Orders", SQL)
    assert metric.look_back_days == 7
    assert metric.column_mapping == {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        "value": "value",
        "reward_type": "numeric",
    }
    assert read_messages(answer) == [NO_ROWS, "Created: Orders"]
    assert answer.redirect_chain == [(admin_forms.build_change_url(metric), 302)]
    assert read_last_audit() == ("metric.define", "staff", "clerk")
    read = factories.make_member_api(acme).get(f"/warehouse/metrics/{metric.pk}")
    assert factories.read_body(read)["sql"] == SQL


@pytest.mark.parametrize(
    ("changes", "field", "complaint"),
    [
        ({"name": ""}, "name", "required"),
        ({"name": "x" * 201}, "name", "no more than 200 characters"),
        ({"sql": ""}, "sql", "required"),
        ({"sql": "DELETE FROM managed_dw.rewards"}, "sql", "SELECT"),
        ({"sql": f"{SQL} LIMIT 5"}, "sql", "LIMIT"),
        ({"id_column": "visitor"}, "id_column", "visitor"),
        ({"time_column": ""}, "time_column", "required"),
        ({"reward_type": "numeric"}, "value_column", "because reward_type is numeric"),
        ({"reward_type": "sum"}, "reward_type", "must be one of bool, numeric"),
        ({"direction": "up"}, "direction", "must be one of"),
        ({"look_back_days": "-1"}, "look_back_days", "greater than or equal to 0"),
        ({"look_back_days": "soon"}, "look_back_days", "valid integer"),
        ({"look_back_days": "9" * 900}, "look_back_days", "valid integer"),
        ({"organization": "org_nobody"}, "organization", "valid choice"),
    ],
)
def test_an_error_stands_beside_its_field(
    staff: Client, changes: dict[str, str], field: str, complaint: str
) -> None:
    acme = factories.make_organization("Acme")

    answer = send(staff, {**fill(staff, organization=acme.pk), **changes})

    errors = admin_forms.read_errors(answer)
    assert list(errors) == [field]
    assert complaint in errors[field][0]
    assert not Metric.objects.exists()
    assert not AuditEntry.objects.exists()


def test_all_errors_of_fields_come_at_once(staff: Client) -> None:
    form = fill(staff, name="", reward_type="numeric", look_back_days="soon")

    answer = send(staff, {**form, "organization": ""})

    assert set(admin_forms.read_errors(answer)) == {
        *("name", "organization", "value_column", "look_back_days")
    }


def test_an_error_in_the_sql_quotes_its_line(staff: Client) -> None:
    acme = factories.make_organization("Acme")
    sql = "SELECT anonymous_id,\n  timestamp_utc\nFORM managed_dw.rewards"

    answer = send(staff, fill(staff, organization=acme.pk, sql=sql))

    (error,) = admin_forms.read_errors(answer)["sql"]
    assert "line 3" in error
    assert "3 | FORM managed_dw.rewards</code>" in error


def test_a_text_of_html_is_no_html_in_an_error(staff: Client) -> None:
    acme = factories.make_organization("Acme")
    sql = "SELECT 1\nFORM <b>x</b>"

    answer = send(staff, fill(staff, organization=acme.pk, sql=sql))

    assert "&lt;b&gt;x" in answer.content.decode()
    assert "<b>x</b>" not in answer.content.decode()


def test_outcomes_are_rows_of_the_form(staff: Client) -> None:
    acme = factories.make_organization("Acme")
    rows = {
        "outcomes-key": ["upgrade", "", "stay"],
        "outcomes-value": ["upgraded", "", "stayed"],
        "outcomes-weight": ["1.5", "", "0"],
        "name_column": "name",
    }

    send(staff, fill(staff, organization=acme.pk, **rows))

    metric = Metric.objects.get()
    assert metric.outcomes == [
        {"key": key, "weight": weight, "match": {"by": "name", "value": value}}
        for key, weight, value in (("upgrade", 1.5, "upgraded"), ("stay", 0, "stayed"))
    ]
    shown = admin_forms.open_form(staff, metric)
    assert shown["outcomes-key"] == ["upgrade", "stay", ""]
    assert shown["outcomes-weight"] == ["1.5", "0", ""]


@pytest.mark.parametrize(
    ("weights", "complaint"),
    [
        (["much", "1"], "Row 1, weight: "),
        (["1", ""], "Row 2, weight: "),
        (["0", "0"], "at least one outcome must have a weight"),
    ],
)
def test_an_error_of_an_outcome_names_its_row(
    staff: Client, weights: list[str], complaint: str
) -> None:
    acme = factories.make_organization("Acme")
    rows = {
        "outcomes-key": ["upgrade", "stay"],
        "outcomes-value": ["upgraded", "stayed"],
        "outcomes-weight": weights,
        "name_column": "name",
    }

    answer = send(staff, fill(staff, organization=acme.pk, **rows))

    errors = admin_forms.read_errors(answer)
    assert errors["outcomes"][0].startswith(complaint)
    assert not Metric.objects.exists()


def test_the_limit_of_metrics_holds(staff: Client, settings: Any) -> None:
    acme = factories.make_organization("Acme")
    settings.MAX_METRICS = 1
    send(staff, fill(staff, organization=acme.pk))

    answer = send(staff, fill(staff, organization=acme.pk))

    assert "1 are allowed" in admin_forms.read_errors(answer)[""][0]
    assert Metric.objects.count() == 1


def test_a_form_that_is_sent_twice_creates_once(staff: Client) -> None:
    form = fill(staff, organization=factories.make_organization("Acme").pk)

    first, second = send(staff, form), send(staff, form)

    assert (first.status_code, second.status_code) == (302, 200)
    assert "sent before" in admin_forms.read_errors(second)[""][0]
    assert Metric.objects.count() == 1


def test_a_refused_form_may_be_sent_again(staff: Client) -> None:
    acme = factories.make_organization("Acme")
    form = fill(staff, organization=acme.pk, sql=f"{SQL} LIMIT 1")

    refused, corrected = send(staff, form), send(staff, {**form, "sql": SQL})

    assert (refused.status_code, corrected.status_code) == (200, 302)


def test_a_viewer_sees_the_metric_and_no_form(client: Client, world: World) -> None:
    client.force_login(staff_world.make_member(world.organization, "viewer"))

    listing = client.get("/admin/metrics/metric/").content.decode()
    page = client.get(admin_forms.build_change_url(world.metric))
    answers = [
        client.get(admin_forms.build_add_url(Metric)),
        send(client, {"name": "Mine", "organization": world.organization.pk}),
        send(client, {"sql": SQL, "_preview": "asked"}),
        client.post(admin_forms.build_change_url(world.metric), {"_preview": "asked"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert "/metric/add/" not in listing
    assert page.status_code == 200
    body = page.content.decode()
    assert "managed_dw.rewards" in body
    assert "Duplicate" not in body
    assert 'name="sql"' not in body


def test_an_organization_is_chosen_among_those_one_edits(client: Client) -> None:
    edited, viewed = (factories.make_organization(name) for name in ("Ours", "Theirs"))
    staff_world.make_member(viewed, "viewer")
    client.force_login(staff_world.make_member(edited, "editor"))

    page = client.get(admin_forms.build_add_url(Metric)).content.decode()
    answer = send(client, fill(client, organization=viewed.pk))
    shown = preview(client, fill(client, organization=viewed.pk))

    assert f'value="{edited.pk}" selected' in page
    assert viewed.pk not in page
    assert list(admin_forms.read_errors(answer)) == ["organization"]
    assert "Choose the organization first." in shown
    assert not Metric.objects.exists()


def test_a_metric_is_duplicated_as_a_new_one(staff: Client, world: World) -> None:
    page = staff.get(admin_forms.build_change_url(world.metric)).content.decode()
    form = admin_forms.open_add_form(staff, Metric, copy=str(world.metric.pk))

    answer = send(staff, form)

    assert f"/admin/metrics/metric/add/?copy={world.metric.pk.hex}" in page
    assert answer.status_code == 302
    copy = Metric.objects.get(name="Copy of Purchases")
    assert copy.pk != world.metric.pk
    for name in ("sql", "column_mapping", "organization", "direction"):
        assert getattr(copy, name) == getattr(world.metric, name)


def test_nobody_duplicates_what_they_do_not_see(client: Client, world: World) -> None:
    other = factories.make_organization("Other")
    client.force_login(staff_world.make_member(other, "editor"))
    path = admin_forms.build_add_url(Metric)

    answers = [
        client.get(path, {"copy": key}) for key in (str(world.metric.pk), "no-key", "")
    ]

    assert [answer.status_code for answer in answers] == [404] * 3


def test_the_page_says_where_the_metric_is_used(staff: Client, world: World) -> None:
    pricing = staff_world.make_optimization(
        world.organization,
        staff_world.make_metric(world.organization, "Margin"),
        "Pricing",
        guardrail_metric_ids=[world.metric.pk],
    )

    body = staff.get(admin_forms.build_change_url(world.metric)).content.decode()

    assert "Used by 2 optimizations" in body
    assert "2 optimizations\n            start a new measuring period" in body
    for optimization in (pricing, world.optimization):
        assert admin_forms.build_change_url(optimization) in body


def test_a_changed_column_sends_the_whole_mapping(staff: Client, world: World) -> None:
    form = admin_forms.open_form(staff, world.metric)
    sql = world.metric.sql.replace("anonymous_id,", "anonymous_id AS visitor,")

    answer = admin_forms.send_form(
        staff, world.metric, form, sql=sql, id_column="visitor"
    )

    world.metric.refresh_from_db()
    assert answer.status_code == 302
    assert world.metric.column_mapping == {
        "anonymous_id": "visitor",
        "timestamp": "timestamp_utc",
        "reward_type": "bool",
    }
    assert set(AuditEntry.objects.latest("id").changes) == {"sql", "column_mapping"}


def test_outcomes_are_removed_by_emptying_their_rows(staff: Client) -> None:
    acme = factories.make_organization("Acme")
    rows = {
        "outcomes-key": ["upgrade", "stay"],
        "outcomes-value": ["upgraded", "stayed"],
        "outcomes-weight": ["1", "0"],
        "name_column": "name",
    }
    send(staff, fill(staff, organization=acme.pk, **rows))
    metric = Metric.objects.get()
    form = admin_forms.open_form(staff, metric)

    unchanged = admin_forms.send_form(staff, metric, form)
    entries = AuditEntry.objects.count()
    emptied = {name: ["", ""] for name in rows if name.startswith("outcomes-")}
    changed = admin_forms.send_form(staff, metric, form, **emptied)

    metric.refresh_from_db()
    assert (unchanged.status_code, changed.status_code) == (302, 302)
    assert entries == 1
    assert metric.outcomes is None
    assert AuditEntry.objects.latest("id").changes == {"outcomes": None}


def test_what_going_live_fixed_is_refused_with_the_apis_words(
    staff: Client, world: World
) -> None:
    form = admin_forms.open_form(staff, world.metric)

    answer = admin_forms.send_form(staff, world.metric, form, direction="decrease")

    (message,) = admin_forms.read_errors(answer)[""]
    assert "direction is fixed since “Checkout” went live" in message
    world.metric.refresh_from_db()
    assert world.metric.direction == "increase"


def test_a_metric_made_in_a_popup_is_handed_to_the_page_that_opened_it(
    staff: Client,
) -> None:
    form = fill(staff, organization=factories.make_organization("Acme").pk)

    answer = send(staff, {**form, "_popup": "1"})

    assert answer.status_code == 200
    assert str(Metric.objects.get().pk) in answer.content.decode()


def test_a_preview_saves_nothing_and_marks_only_what_it_needs(staff: Client) -> None:
    acme = factories.make_organization("Acme")
    form = fill(staff, organization=acme.pk, name="", direction="up")

    shown = preview(staff, form)

    assert NO_ROWS in shown
    assert "required" not in shown
    assert not Metric.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_preview_puts_errors_beside_their_fields(staff: Client) -> None:
    acme = factories.make_organization("Acme")

    typed = preview(staff, fill(staff, organization=acme.pk, reward_type="numeric"))
    run = preview(staff, fill(staff, organization=acme.pk, id_column="visitor"))

    for shown, field in ((typed, "value_column"), (run, "id_column")):
        marked = [
            part.partition("_errors")[0]
            for part in shown.split('hx-swap-oob="innerHTML:#id_')
            if "errorlist" in part
        ]
        assert marked == [field]


def test_a_warehouse_of_ones_own_is_asked_only_by_the_button(staff: Client) -> None:
    acme = factories.make_organization("Acme")
    Connection.objects.create(organization=acme, provider="postgres")
    form = fill(staff, organization=acme.pk)

    typed = staff.post(
        admin_forms.build_add_url(Metric), {**form, "_preview": "typed"}
    ).content.decode()

    assert "press “Preview”" in typed


@pytest.mark.django_db(transaction=True)
def test_a_preview_counts_rows_and_users(staff: Client, world: World) -> None:
    staff_world.send_traffic(world.optimization, 60)
    form = admin_forms.open_form(staff, world.metric)
    path = admin_forms.build_change_url(world.metric)

    shown = preview(staff, {**form, "look_back_days": "0"}, path)

    rows = ManagedReward.objects.count()
    assert rows
    assert f"<b>{rows}</b> rows of <b>{rows}</b> users" in shown
    assert f"100.00{NO_BREAK_SPACE}% of the users" in shown

"""Admin forms: they follow the rules of the API and show errors beside the fields."""

from typing import Any

import pytest
from django.test import Client

from levered_site.organizations.models import AuditEntry
from metrics.models import Metric
from optimizations.models import Optimization, Regime
from tests.support import admin_forms, optimization_factories, staff_world
from tests.support.admin_actions import read_last_audit
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db


def build_metric_form(metric: Metric, **changes: str) -> dict[str, str]:
    """Return a metric's form as it is, with changes."""
    return {
        "name": metric.name,
        "direction": metric.direction,
        "sql": metric.sql,
        "id_column": metric.column_mapping["anonymous_id"],
        "time_column": metric.column_mapping["timestamp"],
        "value_column": "",
        "name_column": "",
        "reward_type": metric.column_mapping["reward_type"],
        "look_back_days": str(metric.look_back_days),
        "value_per_conversion": "",
        "currency": "",
        "outcome_by": "name",
        **changes,
    }


def save_metric(client: Client, metric: Metric, **changes: str) -> Any:
    """Send a metric's form."""
    shown = admin_forms.read_shown_values(client, metric)
    return admin_forms.send_form(
        client, metric, shown, **build_metric_form(metric, **changes)
    )


def test_a_valid_change_of_a_metric_is_saved(staff: Client, world: World) -> None:
    """The revision increases, and the audit entry names the staff user."""
    sql = world.metric.sql.replace("purchase", "order")

    answer = save_metric(staff, world.metric, sql=sql)

    world.metric.refresh_from_db()
    assert answer.status_code == 302
    assert (world.metric.sql, world.metric.revision) == (sql, 2)
    assert read_last_audit() == ("metric.redefine", "staff", "root")


def test_staff_say_what_a_conversion_is_worth(staff: Client, world: World) -> None:
    """It changes no count, so the revision stays."""
    worth = {"value_per_conversion": "12.5", "currency": "eur"}

    answer = save_metric(staff, world.metric, **worth)

    world.metric.refresh_from_db()
    metric = world.metric
    assert answer.status_code == 302
    assert (metric.value_per_conversion, metric.currency) == (12.5, "EUR")
    assert metric.revision == 1


def test_a_decimal_comma_is_answered_with_the_number_to_write(
    staff: Client, world: World
) -> None:
    answer = save_metric(staff, world.metric, value_per_conversion=" 12,50")

    world.metric.refresh_from_db()
    assert "Write a point, not a comma: 12.50." in answer.content.decode()
    assert "A valid number is required." not in answer.content.decode()
    assert world.metric.value_per_conversion is None


@pytest.mark.parametrize(
    "changes",
    [
        {"value_per_conversion": "-1"},
        {"currency": "EURO"},
        {"currency": "XXX"},
        {"sql": "DROP TABLE decisions"},
        {"sql": "SELECT anonymous_id FROM managed_dw.rewards"},
        {"time_column": ""},
        {"id_column": "visitor"},
        {"reward_type": "sum"},
        {"look_back_days": "soon"},
    ],
)
def test_an_invalid_change_of_a_metric_is_refused(
    staff: Client, world: World, changes: dict[str, str]
) -> None:
    """The form shows the error, and nothing is written."""
    before = Metric.objects.values().get()

    answer = save_metric(staff, world.metric, **changes)

    assert answer.status_code == 200
    assert Metric.objects.values().get() == before


def build_settings_form(optimization: Optimization, **changes: Any) -> dict[str, Any]:
    """Return the settings form as it is, with changes."""
    return {
        "name": optimization.name,
        "holdout_percentage": "10.0",
        "allocation": "default",
        "exploration_share": "0.01",
        "retrain_every_minutes": "60",
        "expected_users": "",
        "excluded_combinations": "[]",
        "allowed_origins": "",
        "excluded_users": "",
        "guardrail_metrics": [],
        **changes,
    }


def save(client: Client, optimization: Optimization, **changes: Any) -> Any:
    """Post the settings form."""
    shown = admin_forms.read_shown_values(client, optimization)
    form = build_settings_form(optimization, **changes)
    return admin_forms.send_form(client, optimization, shown, **form)


def test_changed_settings_are_saved_and_audited(staff: Client, world: World) -> None:
    """A new holdout opens a regime; the audit entry holds the changed fields only."""
    guard = staff_world.make_metric(world.organization, "Refunds")

    answer = save(
        staff,
        world.optimization,
        name="Checkout 2",
        holdout_percentage="20",
        allowed_origins="https://shop.example\n",
        guardrail_metrics=[str(guard.pk)],
    )

    world.optimization.refresh_from_db()
    assert answer.status_code == 302
    assert world.optimization.name == "Checkout 2"
    assert world.optimization.allowed_origins == ["https://shop.example"]
    assert list(world.optimization.guardrail_metrics.all()) == [guard]
    assert Regime.objects.latest("number").holdout_percentage == 20
    assert set(AuditEntry.objects.latest("id").changes) == {
        *("name", "holdout_percentage", "allowed_origins", "guardrail_metric_ids")
    }


def test_saving_without_a_change_does_nothing(staff: Client, world: World) -> None:
    """There is no audit entry and no new regime."""
    entries = AuditEntry.objects.count()

    answer = save(staff, world.optimization)

    assert answer.status_code == 302
    assert AuditEntry.objects.count() == entries
    assert Regime.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"holdout_percentage": "96"}, "less than or equal to 95"),
        ({"holdout_percentage": "nan"}, "Enter a number"),
        ({"exploration_share": "0.5"}, "less than or equal to 0.2"),
        ({"excluded_combinations": '{"a": 1}'}, "list of objects"),
        ({"excluded_combinations": '[{"size": "XL"}]'}, "is not a design factor"),
        ({"allowed_origins": "not an origin"}, "must be an origin"),
        ({"excluded_users": "qa-*\n*"}, "leave out everybody"),
        ({"name": ""}, "required"),
    ],
)
def test_what_the_api_refuses_is_refused_here(
    staff: Client, world: World, changes: dict[str, str], complaint: str
) -> None:
    """The form shows the error beside the field, and nothing is written."""
    before = Optimization.objects.values().get()
    entries = AuditEntry.objects.count()

    answer = save(staff, world.optimization, **changes)

    assert answer.status_code == 200
    assert complaint in answer.content.decode()
    assert Optimization.objects.values().get() == before
    assert AuditEntry.objects.count() == entries


def test_excluded_users_are_saved(staff: Client, world: World) -> None:
    """Ids and prefixes are saved, with an audit entry."""
    save(staff, world.optimization, excluded_users="bot-*\nqa-1")

    world.optimization.refresh_from_db()
    assert world.optimization.excluded_users == ["bot-*", "qa-1"]
    assert read_last_audit() == ("optimization.change", "staff", "root")


def test_another_organizations_metric_cannot_be_chosen(
    staff: Client, world: World
) -> None:
    """The form does not offer its id."""
    other = staff_world.make_world("Other")

    answer = save(staff, world.optimization, guardrail_metrics=[str(other.metric.pk)])

    assert answer.status_code == 200
    assert not world.optimization.guardrail_metrics.exists()


def test_a_level_that_is_a_number_is_excluded_by_its_value(
    staff: Client, world: World
) -> None:
    """The form takes 20.0 for the level 20, and stores the level."""
    config = optimization_factories.make_config(
        design_factors=[optimization_factories.make_factor("price", 9.99, 20, 30)]
    )
    optimization = optimization_factories.make_optimization(
        world.organization, training_data_config=config
    )

    answer = save(staff, optimization, excluded_combinations='[{"price": 20.0}]')

    optimization.refresh_from_db()
    assert answer.status_code == 302, answer.content
    assert optimization.excluded_combinations == [{"price": 20}]

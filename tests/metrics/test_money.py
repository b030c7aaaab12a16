"""What rewards are worth in money: the fields of metrics, and amounts for pages."""

from typing import Any

import pytest

from levered_site.organizations.models import AuditEntry, Organization
from metrics import currencies, money
from metrics.money import Money
from optimizations.models import Regime
from tests.support import factories, value_metrics
from tests.support.factories import Api, read_body, read_error
from tests.support.metric_requests import MAPPING, OUTCOMES, PATH, body
from tests.support.optimization_factories import make_metric, make_optimization

pytestmark = pytest.mark.django_db

CONVERSIONS = {
    name: column
    for name, column in MAPPING.items()
    if name in {"anonymous_id", "timestamp"}
} | {"reward_type": "bool"}
WORTH = {"value_per_conversion": 12.5, "currency": "EUR"}
NBSP = "\N{NO-BREAK SPACE}"
JOINER = "\N{WORD JOINER}"  # or a line may break after the sign
MINUS = f"\N{MINUS SIGN}{JOINER}"


@pytest.fixture
def acme() -> Organization:
    return factories.make_organization()


@pytest.fixture
def bob(acme: Organization) -> Api:
    return factories.make_member_api(acme)


def test_a_metric_of_conversions_says_what_one_is_worth(bob: Api) -> None:
    made = read_body(bob.post(PATH, body(column_mapping=CONVERSIONS, **WORTH)))
    path = f"{PATH}/{made['id']}"
    read = read_body(bob.get(path))
    changed = read_body(bob.patch(path, {"value_per_conversion": 9}))
    cleared = read_body(bob.patch(path, dict.fromkeys(WORTH)))

    assert {name: read[name] for name in WORTH} == WORTH
    assert (changed["value_per_conversion"], changed["currency"]) == (9, "EUR")
    assert {name: cleared[name] for name in WORTH} == dict.fromkeys(WORTH)


def test_a_metric_that_says_nothing_has_nulls(bob: Api) -> None:
    made = read_body(bob.post(PATH, body()))

    assert {name: made[name] for name in WORTH} == dict.fromkeys(WORTH)


@pytest.mark.parametrize("overrides", [{}, {"outcomes": OUTCOMES}])
def test_amounts_and_outcomes_have_a_currency_of_their_own(
    bob: Api, overrides: dict[str, Any]
) -> None:
    alone = bob.post(PATH, body(currency="USD", **overrides))
    both = bob.post(PATH, body(**WORTH, **overrides))

    assert read_body(alone)["currency"] == "USD"
    assert both.status_code == 400
    (detail,) = read_error(both)["details"]
    assert detail["field"] == "value_per_conversion"
    assert "only conversions" in detail["message"]


def test_a_metric_with_a_worth_cannot_become_one_of_amounts_before_it_is_taken_away(
    bob: Api,
) -> None:
    made = read_body(bob.post(PATH, body(column_mapping=CONVERSIONS, **WORTH)))
    path, amounts = f"{PATH}/{made['id']}", {"column_mapping": MAPPING}

    refused = bob.patch(path, amounts)
    together = bob.patch(path, amounts | {"value_per_conversion": None})

    assert read_error(refused)["details"][0]["field"] == "value_per_conversion"
    assert together.status_code == 200, together.content
    assert read_body(together)["column_mapping"]["reward_type"] == "numeric"


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("value_per_conversion", 0, "greater than 0"),
        ("value_per_conversion", -1, "greater than 0"),
        ("value_per_conversion", 1e13, "1000000000000"),
        ("value_per_conversion", "12.5", "number"),
        ("value_per_conversion", True, "number"),
        ("currency", "EURO", "ISO 4217"),
        ("currency", "u\u017fd", "ISO 4217"),
        ("currency", "XXX", "ISO 4217"),
        ("currency", "", "blank"),
        ("currency", 978, "string"),
    ],
)
def test_a_worth_that_is_not_valid_is_refused(
    bob: Api, field: str, value: object, problem: str
) -> None:
    refused = bob.post(PATH, body(column_mapping=CONVERSIONS, **{field: value}))

    assert refused.status_code == 400, refused.content
    (detail,) = read_error(refused)["details"]
    assert detail["field"] == field
    assert problem in detail["message"]


def test_a_currency_in_lower_case_is_stored_in_upper_case(bob: Api) -> None:
    made = read_body(bob.post(PATH, body(currency="eur")))
    changed = read_body(bob.patch(f"{PATH}/{made['id']}", {"currency": "Usd"}))

    assert (made["currency"], changed["currency"]) == ("EUR", "USD")


def test_the_worth_changes_while_live_without_a_new_period(
    acme: Organization, bob: Api
) -> None:
    optimization = make_optimization(acme)
    metric = optimization.reward_metric
    assert metric is not None

    changed = bob.patch(f"{PATH}/{metric.pk}", WORTH)

    assert changed.status_code == 200, changed.content
    metric.refresh_from_db()
    assert (metric.value_per_conversion, metric.currency) == (12.5, "EUR")
    assert metric.revision == 1
    assert Regime.objects.filter(optimization=optimization).count() == 1
    entry = AuditEntry.objects.get(action="metric.redefine")
    assert (entry.before, entry.changes) == (dict.fromkeys(WORTH), WORTH)


def test_extra_conversions_become_money_with_their_interval(acme: Organization) -> None:
    metric = make_metric(acme, **WORTH)

    worth = money.convert_to_money(metric, 120.0, (10.0, 230.0))
    open_end = money.convert_to_money(metric, 120.0, (10.0, None))

    assert worth == Money(1500.0, (125.0, 2875.0), "EUR")
    assert worth.format_amount() == "€1,500"
    assert worth.format_amount(signed=True) == f"+{JOINER}€1,500"
    assert worth.format_interval() == "between €125 and €2,875"
    assert open_end is not None
    assert open_end.format_interval(signed=True) == f"at least +{JOINER}€125"


def test_values_are_money_once_their_currency_is_known(acme: Organization) -> None:
    amounts = value_metrics.make_metric(acme, "numeric", currency="JPY")
    outcomes = value_metrics.make_metric(acme, "outcomes")

    assert money.convert_to_money(amounts, -50.4) == Money(-50.4, None, "JPY")
    assert money.convert_to_money(outcomes, 50.4) is None


def test_what_is_withheld_or_has_no_worth_is_no_money(acme: Organization) -> None:
    assert money.convert_to_money(make_metric(acme, **WORTH), None, None) is None
    assert money.convert_to_money(make_metric(acme), 5.0, (1.0, 9.0)) is None
    assert money.convert_to_money(make_metric(acme, currency="EUR"), 5.0) is None


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (None, ""),
        ((None, None), ""),
        ((None, 5.0), f"at most CHF{NBSP}5.00"),
        ((-5.0, 2345.6), f"between {MINUS}CHF{NBSP}5.00 and CHF{NBSP}2,346"),
    ],
)
def test_an_interval_is_said_in_words(interval: Any, text: str) -> None:
    assert Money(1.0, interval, "CHF").format_interval() == text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (12345.6, "EUR", "€12,350"),
        (1234567.0, "USD", "$1,235,000"),
        (99.994, "EUR", "€99.99"),
        (100.4, "EUR", "€100"),
        (0.0, "GBP", "£0.00"),
        (-0.001, "GBP", "£0.00"),
        (-9.5, "CHF", f"{MINUS}CHF{NBSP}9.50"),
        (12.3456, "KWD", f"KWD{NBSP}12.346"),
        (12.6, "JPY", "¥13"),
        (7.25, None, "7.25"),
        (float("nan"), "EUR", "—"),
        (None, "EUR", "—"),
    ],
)
def test_amounts_are_written_as_people_read_them(
    amount: float | None, currency: str | None, text: str
) -> None:
    assert currencies.format_amount(amount, currency) == text


def test_currencies_are_codes_of_three_letters() -> None:
    assert all(len(code) == 3 and code.isupper() for code in currencies.CODES)
    assert set(currencies.DECIMALS) | set(currencies.SYMBOLS) < currencies.CODES
    assert len(currencies.CODES) > 150

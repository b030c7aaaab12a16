"""What a public document keeps of the health."""

from datetime import UTC, datetime

import pytest

from optimizations.admin.documents import privacy
from optimizations.admin.result_page.health_list import SHORT_NAMES
from optimizations.results.health.health import Health, HealthReason

NOW = datetime(2026, 3, 28, tzinfo=UTC)


def hide(code: str) -> HealthReason:
    reason = HealthReason(code, "The commonest: “bob@shop.example”", "Correct it.")
    return privacy.hide_details(Health("warning", [reason], NOW)).reasons[0]


@pytest.mark.parametrize("code", sorted(SHORT_NAMES.keys() - privacy.TOLD_OUTSIDE))
def test_a_reason_that_may_quote_events_or_a_warehouse_says_its_name_only(
    code: str,
) -> None:
    assert hide(code) == HealthReason(code, privacy.DETAILS, privacy.ASK)


@pytest.mark.parametrize("code", sorted(privacy.TOLD_OUTSIDE))
def test_a_reason_of_arms_and_shares_is_told(code: str) -> None:
    assert "bob" in hide(code).message
    assert code in SHORT_NAMES


def test_a_reason_that_is_new_is_not_told() -> None:
    assert "bob" not in hide("something_new").message

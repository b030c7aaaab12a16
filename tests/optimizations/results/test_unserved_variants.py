"""A lift that variants earned which are not served any more says so, wherever it heads."""

from datetime import timedelta
from typing import Any

import pytest

from levered_site.organizations.actors import SYSTEM_ACTOR
from models_app import versions
from optimizations.admin import list_cells
from optimizations.configuration import create_update, lifecycle
from optimizations.models import Optimization, Regime
from optimizations.results.checks import unserved_variants
from tests.support.factories import read_body
from tests.support.result_visitors import (
    make_member_api,
    make_visited_optimization,
    train_and_return,
)

pytestmark = pytest.mark.django_db(transaction=True)

NOTE = (
    "The measured lift is of all variants that were served beside the holdout. Of these "
    "variants 2 and 3 are not served any more, so it is not the lift of what is served now."
)


def read_notes(optimization: Optimization) -> dict[str, Any]:
    """Have all counted; return the notes of the list's head and of the results."""
    api = make_member_api(optimization)
    path = f"/optimizations/{optimization.pk}"
    results = read_body(api.get(f"{path}/results?refresh=true"))
    (row,) = read_body(api.get("/optimizations"))["optimizations"]
    assert row["summary"]["lift"] is not None
    assert results["primary_metric_vs_holdout"]["lift_percent"] is not None
    return {"list": row["summary"]["notes"], "results": results["notes"]}


def read_column(optimization: Optimization) -> str:
    """Return the lift in the admin's list."""
    row = Optimization.objects.get(pk=optimization.pk)
    (listed,) = list_cells.load_listed([row]).values()
    return str(list_cells.render_lift(listed, is_less_better=False))


def test_the_lift_of_disabled_variants_is_told_after_another_shipped() -> None:
    optimization = make_visited_optimization()
    Regime.objects.update(starts_at=optimization.created_at - timedelta(days=9))
    all_served = read_notes(optimization)
    column = read_column(optimization)
    for number in (2, 3):
        create_update.set_variant_enabled(
            optimization, number, SYSTEM_ACTOR, enabled=False
        )
    disabled = read_notes(optimization)

    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)

    assert all_served == {"list": [], "results": []}
    assert disabled == {"list": [NOTE], "results": [NOTE]}
    shipped = NOTE.replace("variants 2 and 3", "variants 1, 2 and 3")
    assert read_notes(optimization) == {"list": [shipped], "results": [shipped]}
    assert "not served" not in column
    assert ">3 of its variants not served any more</small>" in read_column(optimization)


def test_shipping_alone_says_that_the_others_are_not_served_until_it_is_undone() -> (
    None
):
    optimization = train_and_return(make_visited_optimization())
    leading = served_numbers(optimization)
    others = [str(number) for number in range(1, 5) if number not in leading]
    shipped = lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)
    while_shipped, column = read_notes(shipped), read_column(shipped)

    resumed = lifecycle.resume_optimization(shipped, SYSTEM_ACTOR)
    undone, column_then = read_notes(resumed), read_column(resumed)

    note = NOTE.replace("2 and 3", f"{', '.join(others[:-1])} and {others[-1]}")
    assert while_shipped == {"list": [note], "results": [note]}
    assert f">{len(others)} of its variants not served any more</small>" in column
    assert undone == {"list": [], "results": []}
    assert "not served" not in column_then


def served_numbers(optimization: Optimization) -> list[int]:
    """Return the variants that users would get if it was shipped now.

    They come by mobile and desktop, the first two contexts; nobody without a device.
    """
    version = versions.get_serving_version(optimization.model)
    table = versions.read_served_table(version, is_shipped=True)[:2]
    return sorted({int(row.argmax()) + 1 for row in table})


def test_what_leads_in_contexts_that_nobody_had_is_not_served_once_shipped() -> None:
    optimization = train_and_return(make_visited_optimization())
    version = versions.get_serving_version(optimization.model)
    table = versions.read_served_table(version, is_shipped=True)
    report = version.report
    assert report is not None
    means = report["baselines"]["means"]

    assert [mean is not None for mean in means] == [True, True, False, False]
    for place, row in enumerate(table):
        report["baselines"]["means"] = [
            0.1 if cell == place else None for cell in range(len(table))
        ]
        assert versions.list_leading_variants(version) == [int(row.argmax()) + 1]
    report["baselines"]["means"] = [None] * len(table)
    assert versions.list_leading_variants(version) == sorted(
        {int(row.argmax()) + 1 for row in table}
    )


def make_regime(*enabled: int, holdout: float = 10, revision: int = 1) -> Regime:
    """Make a regime, not stored, that serves these variants."""
    return Regime(
        enabled=list(enabled), holdout_percentage=holdout, metric_revision=revision
    )


def test_only_variants_of_compared_regimes_of_the_present_metric_count() -> None:
    find = unserved_variants.find_unserved_variants
    last = make_regime(1, 2)

    assert find([]) == []
    assert find([make_regime(1, 2, 3), last]) == [3]
    assert find([make_regime(1, 2, 3, holdout=0), last]) == []
    assert find([make_regime(1, 2, 3, holdout=100), last]) == []
    assert find([make_regime(1, 3, revision=2), last]) == []
    assert find([make_regime(1, 3, 4), make_regime(1, 2, holdout=0)]) == [3, 4]


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        ([3], "variant 3 is not"),
        ([2, 3], "variants 2 and 3 are not"),
        (range(2, 8), "variants 2, 3, 4, 5, 6 and 7 are not"),
        (range(2, 9), "variants 2, 3, 4, 5, 6 and 2 others are not"),
    ],
)
def test_many_variants_are_named_in_part(numbers: Any, named: str) -> None:
    (note,) = unserved_variants.list_lift_notes(
        [make_regime(1, *numbers), make_regime(1)]
    )

    assert named in note

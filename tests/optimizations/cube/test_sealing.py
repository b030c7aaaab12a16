"""Days of the cube: sealed when they are ripe, and opened again by late rows."""

import pytest
from django.utils import timezone

from optimizations.models import CubeDay
from tests.support.cube_counting import (
    buy,
    day,
    make,
    refreshed,
    refreshed_long_after,
    show,
    users_by_day,
)

# Each refresh reads through a connection of its own: events must be committed.
pytestmark = pytest.mark.django_db(transaction=True)


def test_days_are_sealed_after_the_horizon_and_the_allowance_for_late_rows() -> None:
    optimization = make()
    for back in (6, 3, 1):
        show(optimization, f"user-{back}", day(back))

    refreshed(optimization)

    sealed = dict(CubeDay.objects.values_list("day", "sealed"))
    assert min(sealed) == day(6).date()
    assert max(sealed) == timezone.now().date()
    assert len(sealed) == 7
    assert [back for back in range(7) if sealed[day(back).date()]] == [3, 4, 5, 6]


def test_a_sealed_day_is_not_counted_again_without_late_rows() -> None:
    optimization = make()
    show(optimization, "ann", day(6))
    first = refreshed_long_after(optimization)
    show(optimization, "ann", timezone.now())  # comes back: that is not late
    buy(optimization, "ann", timezone.now())

    second = refreshed(optimization)

    kept = CubeDay.objects.get(day=day(6).date())
    assert kept.computed_at == first.as_of
    assert second.as_of is not None
    assert first.as_of is not None
    assert second.as_of > first.as_of
    assert users_by_day(second) == users_by_day(first)


def test_a_late_reward_opens_its_day_alone() -> None:
    optimization = make()
    show(optimization, "ann", day(6))
    show(optimization, "bob", day(5))
    first = refreshed_long_after(optimization)
    buy(optimization, "ann", day(6, 12))

    second = refreshed(optimization)

    days = dict(CubeDay.objects.values_list("day", "computed_at"))
    assert (days[day(6).date()], days[day(5).date()]) == (second.as_of, first.as_of)
    assert [sum(cell.converted for cell in each.cells) for each in (first, second)] == [
        0,
        1,
    ]
    assert CubeDay.objects.get(day=day(6).date()).sealed


def test_an_earlier_touch_that_comes_late_moves_its_user() -> None:
    optimization = make()
    show(optimization, "ann", day(5))
    show(optimization, "bob", day(5))
    show(optimization, "cid", day(7))
    first = refreshed_long_after(optimization)

    show(optimization, "ann", day(7))
    second = refreshed(optimization)

    assert users_by_day(first) == {day(7).date(): 1, day(5).date(): 2}
    assert users_by_day(second) == {day(7).date(): 2, day(5).date(): 1}


def test_users_left_out_later_leave_sealed_days_too() -> None:
    optimization = make()
    show(optimization, "ann", day(5))
    show(optimization, "bot-1", day(5))
    refreshed(optimization)
    optimization.excluded_users = ["bot-*"]
    optimization.save()

    observed = refreshed(optimization)

    assert users_by_day(observed) == {day(5).date(): 1}

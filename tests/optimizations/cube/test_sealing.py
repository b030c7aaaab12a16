"""Days of the cube are sealed after their horizon and reopened by late rows."""

import pytest
from django.utils import timezone

from optimizations.models import CubeDay
from tests.support import traffic
from tests.support.cube_events import (
    count_users_by_day,
    hour_of_day_back,
    make_optimization,
    refresh_cube,
    refresh_cube_long_after,
    send_exposure,
    send_purchase,
)

# Each refresh reads through its own connection, so events must be committed.
pytestmark = pytest.mark.django_db(transaction=True)


def test_days_are_sealed_after_the_horizon_and_the_allowance_for_late_rows() -> None:
    optimization = make_optimization()
    for back in (6, 3, 1):
        send_exposure(optimization, f"user-{back}", hour_of_day_back(back))

    refresh_cube(optimization)

    sealed = dict(CubeDay.objects.values_list("day", "sealed"))
    assert min(sealed) == hour_of_day_back(6).date()
    assert max(sealed) == timezone.now().date()
    assert len(sealed) == 7
    assert [back for back in range(7) if sealed[hour_of_day_back(back).date()]] == [
        3,
        4,
        5,
        6,
    ]


def test_a_sealed_day_is_not_counted_again_without_late_rows() -> None:
    optimization = make_optimization()
    send_exposure(optimization, "ann", hour_of_day_back(6))
    first = refresh_cube_long_after(optimization)
    send_exposure(optimization, "ann", timezone.now())  # a returning user is not late
    send_purchase(optimization, "ann", timezone.now())

    second = refresh_cube(optimization)

    sealed = CubeDay.objects.get(day=hour_of_day_back(6).date())
    assert sealed.computed_at == first.as_of
    assert second.as_of is not None
    assert first.as_of is not None
    assert second.as_of > first.as_of
    assert count_users_by_day(second) == count_users_by_day(first)


def test_a_late_reward_reopens_only_its_day() -> None:
    optimization = make_optimization()
    send_exposure(optimization, "ann", hour_of_day_back(6))
    send_exposure(optimization, "bob", hour_of_day_back(5))
    first = refresh_cube_long_after(optimization)
    send_purchase(optimization, "ann", hour_of_day_back(6, 12))

    second = refresh_cube(optimization)

    days = dict(CubeDay.objects.values_list("day", "computed_at"))
    assert (days[hour_of_day_back(6).date()], days[hour_of_day_back(5).date()]) == (
        second.as_of,
        first.as_of,
    )
    assert [sum(cell.converted for cell in cube.cells) for cube in (first, second)] == [
        0,
        1,
    ]
    assert CubeDay.objects.get(day=hour_of_day_back(6).date()).sealed


def test_an_earlier_touch_that_comes_late_moves_its_user() -> None:
    optimization = make_optimization()
    send_exposure(optimization, "ann", hour_of_day_back(5))
    send_exposure(optimization, "bob", hour_of_day_back(5))
    send_exposure(optimization, "cid", hour_of_day_back(7))
    first = refresh_cube_long_after(optimization)

    send_exposure(optimization, "ann", hour_of_day_back(7))
    second = refresh_cube(optimization)

    assert count_users_by_day(first) == {
        hour_of_day_back(7).date(): 1,
        hour_of_day_back(5).date(): 2,
    }
    assert count_users_by_day(second) == {
        hour_of_day_back(7).date(): 2,
        hour_of_day_back(5).date(): 1,
    }


def test_users_excluded_later_leave_sealed_days_too() -> None:
    optimization = make_optimization()
    send_exposure(optimization, "ann", hour_of_day_back(5))
    send_exposure(optimization, "bot-1", hour_of_day_back(5))
    refresh_cube(optimization)
    optimization.excluded_users = ["bot-*"]
    optimization.save()

    cube = refresh_cube(optimization)

    assert count_users_by_day(cube) == {hour_of_day_back(5).date(): 1}


def test_a_late_reward_of_a_name_that_the_metric_does_not_read_reopens_nothing() -> (
    None
):
    optimization = make_optimization()
    send_exposure(optimization, "ann", hour_of_day_back(6))
    first = refresh_cube_long_after(optimization)
    at = hour_of_day_back(6, 12).isoformat()
    traffic.send_rewards(
        optimization, [traffic.build_reward("ann", name="click", timestamp=at)]
    )

    refresh_cube(optimization)

    sealed = CubeDay.objects.get(day=hour_of_day_back(6).date())
    assert sealed.computed_at == first.as_of


def test_late_rows_of_excluded_users_reopen_nothing() -> None:
    optimization = make_optimization()
    optimization.excluded_users = ["bot-*", "test"]
    optimization.save()
    for user in ("ann", "bot-1", "test"):
        send_exposure(optimization, user, hour_of_day_back(6))
    first = refresh_cube_long_after(optimization)

    for user in ("bot-1", "test"):
        send_purchase(optimization, user, hour_of_day_back(6, 12))
        send_exposure(optimization, user, hour_of_day_back(6, 11))
    refresh_cube(optimization)

    sealed = CubeDay.objects.get(day=hour_of_day_back(6).date())
    assert sealed.computed_at == first.as_of

"""Rows that a customer deletes from the own warehouse: counts follow, and notes say so."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from metrics.models import AssignmentSource, Metric
from optimizations.cube import new_rows, refresh, specification
from optimizations.models import CubeDay, Optimization
from tests.support import reference_cube
from tests.support.cube_comparison import normalize_cube
from tests.support.factories import Api, read_body
from tests.support.reference_cube import Reward, Touch
from tests.support.second_postgres import SecondServer
from tests.support.shop import SOURCE, launch_optimization
from warehouse.sql.cube.statement import Cube

pytestmark = pytest.mark.django_db(transaction=True)

KEYS = ('{"cta":false,"headline":"A"}', '{"cta":true,"headline":"B"}')
DELETED = "The warehouse changed or deleted rows of "


def make_history(days: Sequence[int], seed: int = 1) -> list[Touch]:
    """Make users touched on some of these days back, several of them on more than one."""
    rng = random.Random(seed)  # noqa: S311 - events, not secrets
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    return [
        Touch(
            f"u{user}",
            noon - timedelta(days=day, minutes=rng.randrange(600)),
            rng.choice(KEYS),
            '{"device":"mobile"}',
            0,
        )
        for user in range(30)
        for day in rng.sample(days, rng.randint(1, 2))
    ]


def make_rewards(touches: Sequence[Touch]) -> list[Reward]:
    """Make a reward an hour after every other touch."""
    return [Reward(touch.user, touch.at + timedelta(hours=1)) for touch in touches[::2]]


class Shop:
    """A launched optimization of a connected Postgres, and the rows that are there."""

    def __init__(
        self, second: SecondServer, touches: list[Touch], rewards: list[Reward]
    ) -> None:
        """Launch, store the history, and count it."""
        self.second, self.touches, self.rewards = second, touches, rewards
        self.api: Api
        self.api, body = launch_optimization(second)
        self.optimization = Optimization.objects.get(pk=body["id"])
        self.metric = Metric.objects.get()
        second.store(body["id"], touches, rewards)

    def delete(self, touches: Sequence[Touch], rewards: Sequence[Reward] = ()) -> None:
        """Delete these rows from the warehouse."""
        with self.second.owner() as owner:
            for touch in touches:
                owner.execute(
                    'DELETE FROM public.shown WHERE "user" = %s AND seen = %s',
                    [touch.user, touch.at],
                )
            for reward in rewards:
                owner.execute(
                    'DELETE FROM public.bought WHERE "user" = %s AND at = %s',
                    [reward.user, reward.at],
                )
        self.touches = [touch for touch in self.touches if touch not in touches]
        self.rewards = [reward for reward in self.rewards if reward not in rewards]

    def read_notes(self) -> list[str]:
        """Count, and return the notes of the results."""
        path = f"/optimizations/{self.optimization.pk}/results?refresh=true"
        notes: list[str] = read_body(self.api.get(path))["notes"]
        return notes

    def load_counts(self) -> dict[str, Any]:
        """Return the stored counts in a form to compare."""
        cube = refresh.load_cube(self.optimization, self.metric)
        checks = (cube.crossover_users, cube.arm_mismatch_users)
        return normalize_cube(Cube(cube.cells, cube.lags, *checks, 0))

    def count_by_brute_force(self) -> dict[str, Any]:
        """Return the counts of the rows that are there now."""
        cube = refresh.load_cube(self.optimization, self.metric)
        assert cube.as_of is not None
        spec = specification.build_cube_spec(self.optimization, self.metric, cube.as_of)
        days = {touch.at.date() for touch in self.touches}
        spec = replace(spec, days=tuple(sorted(days)))
        counted = reference_cube.build_reference_cube(spec, self.touches, self.rewards)
        return normalize_cube(replace(counted, days=(), amounts=()))


def select_day(touches: Sequence[Touch], day: int) -> list[Touch]:
    """Return the touches of the n-th day that has any, from the oldest."""
    days = sorted({touch.at.date() for touch in touches})
    return [touch for touch in touches if touch.at.date() == days[day]]


def test_a_deleted_oldest_day_from_before_the_launch_is_counted_no_more(
    second: SecondServer,
) -> None:
    touches = make_history([9, 8, 7, 5])
    shop = Shop(second, touches, make_rewards(touches))
    before_notes = shop.read_notes()
    before = shop.load_counts()
    assert before == shop.count_by_brute_force()

    oldest = select_day(shop.touches, 0)
    shop.delete(oldest)
    notes = shop.read_notes()

    assert before_notes == []
    assert shop.load_counts() == shop.count_by_brute_force() != before
    (note,) = notes
    assert note.startswith(f"{DELETED}{oldest[0].at.date()} after they")
    counted_at = set(CubeDay.objects.values_list("day", "computed_at"))
    assert shop.read_notes() == notes
    again = set(CubeDay.objects.filter(sealed=True).values_list("day", "computed_at"))
    assert again <= counted_at


def test_a_deleted_middle_day_is_counted_again_with_a_note(
    second: SecondServer,
) -> None:
    touches = make_history([9, 8, 7, 5])
    shop = Shop(second, touches, make_rewards(touches))
    shop.read_notes()

    middle = select_day(shop.touches, 2)
    shop.delete(middle)
    (note,) = shop.read_notes()

    assert note.startswith(f"{DELETED}{middle[0].at.date()} after they")
    assert shop.load_counts() == shop.count_by_brute_force()


def test_whatever_is_deleted_counts_are_those_of_the_rows_that_are_left(
    second: SecondServer,
) -> None:
    rng = random.Random(3)  # noqa: S311 - events, not secrets
    touches = make_history([12, 10, 9, 8, 7, 5, 1], seed=2)
    shop = Shop(second, touches, make_rewards(touches))
    shop.read_notes()

    while shop.touches:
        gone = rng.sample(shop.touches, min(12, len(shop.touches)))
        gone += select_day(shop.touches, 0)
        some = rng.sample(shop.rewards, min(4, len(shop.rewards)))
        shop.delete(gone, some)
        (note,) = shop.read_notes()

        assert note.startswith(DELETED)
        assert shop.load_counts() == shop.count_by_brute_force()

    cube = refresh.load_cube(shop.optimization, shop.metric)
    assert cube.arrays.users.sum() == 0
    assert {day.isoformat() for day in cube.changed_days} >= {
        touch.at.date().isoformat() for touch in touches
    }


def test_deleted_rewards_of_a_sealed_day_are_named(second: SecondServer) -> None:
    touches = make_history([9, 7])
    shop = Shop(second, touches, make_rewards(touches))
    shop.read_notes()

    reward = shop.rewards[0]
    shop.delete([], [reward])
    (note,) = shop.read_notes()

    assert note.startswith(f"{DELETED}{reward.at.date()} after they")
    assert shop.load_counts() == shop.count_by_brute_force()


def test_a_training_sees_that_the_oldest_day_was_deleted(second: SecondServer) -> None:
    touches = make_history([9, 7])
    shop = Shop(second, touches, [])
    shop.read_notes()

    def has_new_rows(now: datetime) -> bool:
        return new_rows.has_new_rows(
            shop.optimization,
            shop.metric,
            now,
            last_run_ended_at=now,
            has_learned=True,
            is_whole_history=True,
        )

    before = has_new_rows(timezone.now())
    shop.delete(select_day(shop.touches, 0))

    assert (before, has_new_rows(timezone.now())) == (False, True)


def test_another_source_deletes_no_row_of_sealed_days(second: SecondServer) -> None:
    touches = make_history([9, 7])
    shop = Shop(second, touches, make_rewards(touches))
    shop.read_notes()
    before = shop.load_counts()

    source = f"/warehouse/assignment-sources/{AssignmentSource.objects.get().pk}"
    answer = shop.api.patch(source, {"sql": f"{SOURCE['sql']} AND version = 'x'"})
    notes = shop.read_notes()

    assert answer.status_code == 200
    assert notes == []
    assert shop.load_counts() == before

"""The check `blank_id`: exposures that name nobody are left out, counted and shown."""

import pytest

from metrics import stats
from optimizations.cube import refresh, storage
from optimizations.models import CubeDay, Optimization
from tests.support import cube_events, factories, traffic
from tests.support.factories import read_body
from warehouse.models import ManagedExposure

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("blank", ["", " \t"])
def test_results_count_exposures_with_a_blank_id_and_no_user_for_them(
    blank: str,
) -> None:
    optimization = cube_events.make_optimization()
    users = ["ann", "bob", "old-1", "old-2"]
    events = [traffic.build_exposure(optimization, user) for user in users]
    traffic.send_exposures(optimization, events)
    ManagedExposure.objects.filter(anonymous_id__startswith="old-").update(
        anonymous_id=blank
    )
    cube = cube_events.refresh_cube(optimization)
    api = factories.make_member_api(optimization.organization)

    body = read_body(api.get(f"/optimizations/{optimization.pk}/results"))

    assert sum(cell.users for cell in cube.cells) == 2
    assert body["checks"]["blank_id"] == {
        "ok": False,
        "share": 0.5,
        "limit": 0.01,
        "reason": "50% of exposures have an empty anonymous_id and count for nobody",
        "exposures": 2,
    }


def test_days_stored_before_the_check_are_read_without_blank_ids() -> None:
    optimization: Optimization = cube_events.make_optimization()
    event = traffic.build_exposure(optimization, "ann")
    traffic.send_exposures(optimization, [event])
    cube_events.refresh_cube(optimization)
    assert optimization.reward_metric
    row = CubeDay.objects.latest("day")

    day = storage.decode_day(row.day, row.cells)

    assert day is not None
    assert day.blank_exposures == 0
    cube = refresh.load_cube(optimization, optimization.reward_metric)
    assert cube.blank_exposures == 0


def test_up_to_one_percent_of_exposures_may_be_blank() -> None:
    assert stats.check_blank_ids(1, 100).ok is True
    assert stats.check_blank_ids(2, 100).ok is False
    assert stats.check_blank_ids(0, 0).ok is None

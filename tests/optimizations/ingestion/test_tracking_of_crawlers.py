"""/track: what a known crawler sends is read and not stored."""

from typing import Any

import pytest
from pytest_django import Settings

from optimizations.models import Optimization
from tests.support import tracking
from tests.support.factories import read_body, read_error
from tests.support.tracking import build_exposure, build_reward, track
from warehouse.models import ManagedExposure, ManagedReward

pytestmark = pytest.mark.django_db

GOOGLEBOT = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1) Chrome/140.0"}


@pytest.fixture
def key(optimization: Optimization) -> str:
    """A publishable key of the optimization's organization, for any page."""
    return tracking.make_publishable_key(optimization.organization)


def _count_stored() -> int:
    return ManagedExposure.objects.count() + ManagedReward.objects.count()


def _omit_meta(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "meta"}


def test_a_crawlers_events_are_not_stored_and_the_answer_says_so(
    optimization: Optimization, key: str
) -> None:
    answer = track(key, build_exposure(optimization), build_reward(), headers=GOOGLEBOT)

    assert answer.status_code == 200
    assert _omit_meta(read_body(answer)) == {
        "accepted": 0,
        "duplicates": 0,
        "rejected": [],
        "crawler": True,
    }
    assert _count_stored() == 0


def test_a_crawlers_events_hold_back_no_person_with_the_same_idempotency_key(
    key: str,
) -> None:
    track(key, build_reward(idempotency_key="k"), headers=GOOGLEBOT)

    answer = read_body(track(key, build_reward(idempotency_key="k")))

    assert answer["accepted"] == 1
    assert "crawler" not in answer


def test_a_crawlers_invalid_events_are_refused_as_a_persons_are(key: str) -> None:
    partly = track(key, build_reward(), build_reward("unknown"), headers=GOOGLEBOT)
    wholly = track(key, build_reward("unknown"), headers=GOOGLEBOT)

    assert partly.status_code == 207
    assert [item["index"] for item in read_body(partly)["rejected"]] == [1]
    assert wholly.status_code == 400
    assert read_error(wholly)["details"][0]["field"] == "events[0].name"
    assert _count_stored() == 0


def test_settings_add_crawlers_and_record_them(key: str, settings: Settings) -> None:
    checker = {"User-Agent": "Our-Checker/1.0"}
    settings.CRAWLER_USER_AGENTS = ("our-checker",)
    added = read_body(track(key, build_reward(), headers=checker))
    settings.RECORD_CRAWLERS = True
    recorded = read_body(track(key, build_reward(), headers=checker))

    assert (added["accepted"], added.get("crawler")) == (0, True)
    assert (recorded["accepted"], recorded.get("crawler")) == (1, None)

"""Write the past of simulated worlds, day after day, until a few hours ago."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from tqdm import tqdm

from levered_site.demo import stories
from levered_site.demo.past_service import PastService, keep_schedule_away
from levered_site.demo.stories import Story
from levered_site.demo.visits import DAY, Stretch
from levered_site.demo.world import World
from optimizations.serving import snapshot_loader

MORNING = 7  # the hour (UTC) when a day of the demo begins, after a training
FIRST_STEP = timedelta(minutes=10)  # after the morning
FIRST_VISIT = timedelta(minutes=20)
SILENCE = timedelta(hours=2)  # since the newest visitor


def write_history(
    service: PastService, worlds: Sequence[World], now: datetime
) -> list[Story]:
    """Create the worlds; on each of their days let visitors come, and train.

    A world begins as many days ago as it is long. The last training is of now.
    """
    last_morning = _find_last_morning(now)
    suffix = service.client.choose_suffix([world.name for world in worlds])
    begun: list[Story] = []
    ages = range(max(world.days for world in worlds), 0, -1)
    with service.live_in_past(), ExitStack() as kept:
        for age in tqdm(ages, "   days", unit=" day", leave=False):
            morning = last_morning - age * DAY
            service.move_clock(morning)
            for world in worlds:
                if world.days == age:
                    story = stories.begin_story(service.client, world, suffix, now)
                    kept.enter_context(keep_schedule_away(story.model_id))
                    begun.append(story)
            for story in begun:
                _live_day(service, story, story.world.days - age, morning)
        for story in tqdm(begun, "   today", leave=False):
            _live_today(service, story, last_morning, now)
    return sorted(begun, key=lambda story: worlds.index(story.world))


def _find_last_morning(now: datetime) -> datetime:
    today = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    morning = today.replace(hour=MORNING)
    return morning if morning <= now else morning - DAY


def _live_day(service: PastService, story: Story, day: int, morning: datetime) -> None:
    """Let people take their steps and visitors come, and train the next morning."""
    service.move_clock(morning + FIRST_STEP)
    stories.take_steps(service.client, story, day)
    stretch = Stretch(day, morning + FIRST_VISIT, morning + DAY)
    service.move_clock(morning + DAY)
    _let_visit_and_train(service, story, stretch, stretch.end)


def _live_today(
    service: PastService, story: Story, morning: datetime, now: datetime
) -> None:
    """Let visitors come until a few hours ago, and train by the real clock."""
    service.move_clock(None)
    start = morning + FIRST_VISIT
    stretch = Stretch(story.world.days, start, max(start, now - SILENCE))
    _let_visit_and_train(service, story, stretch, now)


def _let_visit_and_train(
    service: PastService, story: Story, stretch: Stretch, until: datetime
) -> None:
    """Decide by the policy that serves, as a client does; send it and train."""
    snapshot = snapshot_loader.query_snapshot(story.optimization_id)
    assert snapshot is not None  # it was created before
    decisions = story.crowd.decide_visits(snapshot, stretch)
    service.client.record_decisions(story.optimization_id, decisions)
    service.send_rewards(story.optimization_id, story.crowd.take_events(until))
    service.train(story.model_id)

"""What is shown is what is served: after disabling, enabling, excluding and shipping."""

from datetime import timedelta
from typing import Any

import pytest

from levered_site.organizations.actors import SYSTEM_ACTOR
from models_app import versions
from optimizations.configuration import create_update, lifecycle
from optimizations.models import Optimization
from optimizations.results.model import served_model
from tests.support.factories import make_member_api, read_body
from tests.support.learning import train_model
from tests.support.optimization_factories import make_config
from tests.support.result_visitors import make_visited_optimization
from tests.support.unavailable_reasons import list_nulls_without_reason

pytestmark = pytest.mark.django_db(transaction=True)

WITHOUT_CONTEXT = {"training_data_config": make_config(context_factors=[])}
HEADLINES = (
    "estimated_improvement_percent",
    "estimated_improvement_interval",
    "best_variant",
    "best_vs_baseline_percent",
    "best_vs_baseline_interval",
    "estimated_progress",
)


def make_trained(**fields: Any) -> Optimization:
    """Make a trained optimization of four variants of which 3 and 4 are better."""
    optimization = make_visited_optimization(**fields)
    train_model(optimization)
    return optimization


def read(optimization: Optimization, name: str) -> dict[str, Any]:
    """Return the body of a GET of a member."""
    api = make_member_api(optimization.organization)
    path = f"/models/{optimization.model_id}/state"
    if name != "state":
        path = f"/optimizations/{optimization.pk}/{name}"
    return read_body(api.get(path))


def get_leader(optimization: Optimization) -> int:
    """Return the number of the variant that the results call best."""
    number: int = read(optimization, "results")["stats"]["best_variant"]
    return number


def set_enabled(optimization: Optimization, number: int, *, enabled: bool) -> None:
    """Enable or disable a variant and reload the rows."""
    create_update.set_variant_enabled(
        optimization, number, SYSTEM_ACTOR, enabled=enabled
    )
    optimization.refresh_from_db()
    optimization.model.refresh_from_db()


def exclude(optimization: Optimization, number: int) -> None:
    """Exclude one variant's combination of levels."""
    levels = optimization.variants.get(number=number).levels
    create_update.update_configuration(
        optimization, {"excluded_combinations": [levels]}, SYSTEM_ACTOR
    )
    optimization.refresh_from_db()
    optimization.model.refresh_from_db()


@pytest.mark.parametrize("change", ["disable", "enable again", "exclude"])
def test_after_variants_change_headlines_are_withheld_until_learned_again(
    change: str,
) -> None:
    optimization = make_trained()
    leader = get_leader(optimization)
    if change == "exclude":
        exclude(optimization, leader)
    else:
        set_enabled(optimization, leader, enabled=False)
    if change == "enable again":
        train_model(optimization)
        set_enabled(optimization, leader, enabled=True)

    results, progress = (read(optimization, name) for name in ("results", "progress"))
    state = read(optimization, "state")

    for name in HEADLINES:
        assert results["stats"][name] is None, name
        assert results["unavailable"][f"stats.{name}"] == versions.VARIANTS_CHANGED
    for name in ("estimated_progress", "days_to_decision", "winner", "stable_since"):
        assert progress[name] is None
        assert progress["unavailable"][name] == versions.VARIANTS_CHANGED
    assert {row["prob_best"] for row in results["variants"]} == {None}
    assert {row["prob_best"] for row in state["variants"]} == {None}
    assert {row["best_variant"] for row in results["contexts"]} == {None}
    assert {row["best_variant"] for row in state["contexts"]} == {None}
    assert list_nulls_without_reason(results) == []

    train_model(optimization)
    again = read(optimization, "results")

    assert all(again["stats"][name] is not None for name in HEADLINES)


def test_shipping_after_the_leader_was_disabled_learns_what_is_shipped() -> None:
    optimization = make_trained(**WITHOUT_CONTEXT)
    leader = get_leader(optimization)
    set_enabled(optimization, leader, enabled=False)
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)
    optimization.refresh_from_db()
    optimization.model.refresh_from_db()

    results, progress = (read(optimization, name) for name in ("results", "progress"))

    assert versions.is_learned(versions.get_serving_version(optimization.model))
    stats = results["stats"]
    assert stats["best_variant"] == ({3, 4} - {leader}).pop()
    rewards = {
        row["number"]: row["expected_reward_mean"] for row in results["variants"]
    }
    truth = 100 * (rewards[stats["best_variant"]] / rewards[1] - 1)
    assert stats["estimated_improvement_percent"] == pytest.approx(truth, rel=0.1)
    assert progress["winner"]["number"] == stats["best_variant"]
    assert progress["winner"]["share"] == 1


def test_what_cannot_be_learned_before_shipping_stays_withheld() -> None:
    optimization = make_trained(**WITHOUT_CONTEXT)
    set_enabled(optimization, get_leader(optimization), enabled=False)
    optimization.model.training_runs.update(seconds={"fit": 60.0})
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)

    results, progress = (read(optimization, name) for name in ("results", "progress"))

    for name in HEADLINES:
        assert results["stats"][name] is None
        reason = results["unavailable"][f"stats.{name}"]
        assert reason == served_model.NOT_LEARNED_AS_SHIPPED
    assert sorted(row["weight"] for row in results["variants"]) == [0, 0, 0, 1]
    assert progress["winner"] is None
    assert progress["unavailable"]["winner"] == served_model.NOT_LEARNED_AS_SHIPPED
    assert list_nulls_without_reason(results) == []


def test_what_is_shipped_is_shown_as_the_whole_traffic() -> None:
    optimization = make_trained(**WITHOUT_CONTEXT)
    leader = get_leader(optimization)
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)

    results, progress = (read(optimization, name) for name in ("results", "progress"))
    state = read(optimization, "state")

    expected = [float(number == leader) for number in (1, 2, 3, 4)]
    assert [row["weight"] for row in results["variants"]] == expected
    assert [row["weight"] for row in state["variants"]] == expected
    assert progress["winner"]["share"] == 1


def test_unshipping_shows_the_allocation_again() -> None:
    optimization = make_trained()
    before = {name: read(optimization, name) for name in ("results", "progress")}
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)
    lifecycle.resume_optimization(optimization, SYSTEM_ACTOR)

    after = {name: read(optimization, name) for name in ("results", "progress")}

    assert after["results"]["stats"] == before["results"]["stats"]
    assert after["results"]["variants"] == before["results"]["variants"]
    assert after["progress"]["winner"] == before["progress"]["winner"]


HISTORY_LIFTS = {
    "policy_lift_percent": "estimated_improvement_percent",
    "policy_lift_interval": "estimated_improvement_interval",
    "best_lift_percent": "best_vs_baseline_percent",
    "best_lift_interval": "best_vs_baseline_interval",
}


def assert_history_shows_results(optimization: Optimization) -> dict[str, Any]:
    """Return the only day of the history, whose lifts and reasons are those of results."""
    results = read(optimization, "results")
    (day,) = read(optimization, "lift-history")["daily"]
    for name, shown in HISTORY_LIFTS.items():
        assert day[name] == results["stats"][shown], name
        reason = results["unavailable"].get(f"stats.{shown}")
        assert day["unavailable"].get(name) == reason, name
    body: dict[str, Any] = day
    return body


@pytest.mark.parametrize("enables_again", [False, True])
def test_the_history_of_today_is_withheld_after_variants_changed(
    enables_again: bool,
) -> None:
    optimization = make_trained(**WITHOUT_CONTEXT)
    leader = get_leader(optimization)
    before = assert_history_shows_results(optimization)
    set_enabled(optimization, leader, enabled=False)
    if enables_again:
        set_enabled(optimization, leader, enabled=True)

    day = assert_history_shows_results(optimization)

    assert before["best_lift_percent"] > 0
    assert [day[name] for name in HISTORY_LIFTS] == [None] * 4
    assert day["unavailable"]["best_lift_percent"] == versions.VARIANTS_CHANGED
    assert day["measured_lift_percent"] == before["measured_lift_percent"]
    figures = optimization.published_days.get().figures
    assert figures["winner"] is None

    train_model(optimization)
    again = assert_history_shows_results(optimization)

    assert again["best_lift_percent"] > 0


@pytest.mark.parametrize("too_slow", [False, True])
def test_the_history_keeps_the_figure_of_what_is_shipped(too_slow: bool) -> None:
    optimization = make_trained(**WITHOUT_CONTEXT)
    set_enabled(optimization, get_leader(optimization), enabled=False)
    if too_slow:
        optimization.model.training_runs.update(seconds={"fit": 60.0})
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)
    optimization.refresh_from_db()
    optimization.model.refresh_from_db()

    day = assert_history_shows_results(optimization)

    progress = read(optimization, "progress")
    assert (day["best_lift_percent"] is None) == too_slow
    if not too_slow:
        assert day["policy_lift_percent"] == pytest.approx(
            day["best_lift_percent"], rel=0.05
        )
        assert (
            optimization.published_days.get().figures["winner"]
            == (progress["winner"]["number"])
        )


def test_shipping_publishes_on_a_day_without_a_training_and_keeps_the_days_before() -> (
    None
):
    optimization = make_trained(**WITHOUT_CONTEXT)
    published = optimization.published_days.get()
    yesterday = published.day - timedelta(days=1)
    optimization.published_days.update(day=yesterday)
    set_enabled(optimization, get_leader(optimization), enabled=False)
    assert [row.day for row in optimization.published_days.all()] == [yesterday]
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)

    before, today = read(optimization, "lift-history")["daily"]
    stats = read(optimization, "results")["stats"]

    assert before["best_lift_percent"] == published.figures["best_lift_percent"]
    assert today["best_lift_percent"] == stats["best_vs_baseline_percent"]


def test_unshipping_publishes_the_allocation_again() -> None:
    optimization = make_trained(**WITHOUT_CONTEXT)
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)
    shipped = assert_history_shows_results(optimization)
    lifecycle.resume_optimization(optimization, SYSTEM_ACTOR)

    again = assert_history_shows_results(optimization)

    assert again["policy_lift_percent"] < shipped["policy_lift_percent"]

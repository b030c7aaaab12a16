"""What serving by the policy brought beyond an even split, over HTTP and for agents."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from models_app import versions
from models_app.models import PolicyVersion
from optimizations.configuration import create_update
from optimizations.models import Optimization
from optimizations.results import stored
from optimizations.results.readings import even_split, worth
from optimizations.results.reasons import NO_DIFFERENCE, NOT_IN_REPORT
from tests.support import traffic
from tests.support.factories import read_body
from tests.support.learning import headline_b_rate
from tests.support.optimization_factories import make_metric, make_organization
from tests.support.result_visitors import (
    make_member_api,
    make_visited_optimization,
    train_and_return,
)
from tests.support.unhealthy_worlds import call_tool

pytestmark = pytest.mark.django_db(transaction=True)
Json = dict[str, Any]


def read_results(optimization: Optimization) -> Json:
    path = f"/optimizations/{optimization.pk}/results"
    return read_body(make_member_api(optimization).get(path))


def list_reasons(results: Json) -> Json:
    """Return the reasons of the figures of an even split, by their short names."""
    return {
        name.removeprefix("even_split."): reason
        for name, reason in results["unavailable"].items()
        if name.startswith("even_split.")
    }


def make_served_by_policy() -> Optimization:
    """Make an optimization with a day of even serving and one served as learned."""
    organization = make_organization()
    metric = make_metric(organization, value_per_conversion=20.0, currency="EUR")
    optimization = train_and_return(
        make_visited_optimization(organization, reward_metric_id=metric.pk)
    )
    day = timezone.now() - timedelta(days=2)
    start = day.replace(hour=1, minute=0, second=0, microsecond=0)
    traffic.simulate_visitors(optimization, start, 1000, headline_b_rate, seed=1)
    return train_and_return(optimization)


def rewrite_report(optimization: Optimization, changes: Mapping[str, Any]) -> None:
    """Change parts of the report of the version that serves; None removes one."""
    version = versions.get_serving_version(optimization.model)
    report = {**(version.report or {}), **changes}
    kept = {name: part for name, part in report.items() if part is not None}
    PolicyVersion.objects.filter(pk=version.pk).update(report=kept)


def add_up_truth(optimization: Optimization) -> tuple[int, float]:
    """Return who was served and the true gain, from the counts and the true rates."""
    arrays = stored.load_reward_cube(optimization).arrays
    served = arrays.select(arrays.mature & ~arrays.holdout)
    rates = [0.15, 0.15, 0.3, 0.3]
    even = sum(rates) / len(rates)
    gain = sum(
        users * (rates[number - 1] - even)
        for number, users in zip(served.variant, served.users, strict=True)
    )
    return int(served.users.sum()), float(gain)


def test_it_is_what_the_users_served_brought_beyond_an_even_split_of_them() -> None:
    optimization = make_served_by_policy()
    users, truth = add_up_truth(optimization)

    results = read_results(optimization)
    answer = call_tool(
        make_member_api(optimization),
        "get_results",
        optimization_id=str(optimization.pk),
    )

    shown = results["even_split"]
    low, high = shown["extra_interval"]
    assert 0 < low < shown["extra"] < high
    assert low < truth < high
    assert shown["users"] == users > 900
    assert shown["amount"] == pytest.approx(20 * shown["extra"])
    assert shown["amount_interval"] == pytest.approx([20 * low, 20 * high])
    assert (shown["currency"], list_reasons(results)) == ("EUR", {})
    told = answer["figures"]["even_split"]
    assert told["extra"] == pytest.approx(shown["extra"], rel=1e-3)


def test_without_a_difference_the_interval_stays_and_money_needs_a_worth() -> None:
    optimization = train_and_return(make_visited_optimization())
    estimate = {"mean": 3.0, "lo": -4.0, "hi": 9.0}
    rewrite_report(optimization, {"even_split": {"users": 514.0, "extra": estimate}})

    results = read_results(optimization)

    assert results["even_split"] == {
        "users": 514,
        "extra": None,
        "extra_interval": [-4.0, 9.0],
        "amount": None,
        "amount_interval": None,
        "currency": None,
    }
    assert list_reasons(results) == {
        "extra": NO_DIFFERENCE,
        "amount": worth.NO_VALUE_PER_CONVERSION,
        "amount_interval": worth.NO_VALUE_PER_CONVERSION,
    }


def test_changed_variants_do_not_withhold_what_was_served_before() -> None:
    optimization = train_and_return(make_visited_optimization())
    before = read_results(optimization)["even_split"]
    create_update.set_variant_enabled(optimization, 4, SYSTEM_ACTOR, enabled=False)

    after = read_results(optimization)

    assert after["stats"]["best_variant"] is None
    assert after["even_split"] == before
    assert before["extra_interval"] is not None


def test_a_report_that_lacks_it_or_that_misses_the_holdout_says_so() -> None:
    optimization = train_and_return(make_visited_optimization())
    rewrite_report(optimization, {"delays_differ": "young users lag behind"})
    distrusted = read_results(optimization)
    rewrite_report(optimization, {"delays_differ": None, "even_split": None})
    of_earlier_version = read_results(optimization)

    names = dict.fromkeys(name.partition(".")[2] for name in even_split.NAMES)
    assert list_reasons(of_earlier_version) == dict.fromkeys(names, NOT_IN_REPORT)
    assert distrusted["even_split"] == dict.fromkeys((*names, "currency"))
    assert list_reasons(distrusted) == dict.fromkeys(names, "young users lag behind")

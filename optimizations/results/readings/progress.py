"""How far an optimization is: users, the leading variant, the forecast of a decision."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from django.utils import timezone

from metrics.stats import DecisionForecast
from models_app.state import NOT_TRAINED
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from optimizations.results import count_notes, stored
from optimizations.results.checks import calibration
from optimizations.results.health import health_records
from optimizations.results.health.health import Health, explain_broken
from optimizations.results.model import leader, model_support, served_model
from optimizations.results.model.served_model import ServedModel
from optimizations.results.readings import decision_forecast
from optimizations.results.reasons import WithholdingReasons
from optimizations.results.stored import StoredCubes
from optimizations.results.user_counts import NO_USERS, UserCounter

TRAINED_FIELDS = ("estimated_progress", "winner", "stable_since")
POLICY_CHANGED = "the policy changed since it was last published"
FORECAST_FIELDS = ("days_to_decision", "days_to_decision_interval")


@dataclass(frozen=True, slots=True)
class ArmUsers:
    """Users of both arms."""

    optimized: int
    holdout: int


@dataclass(frozen=True, slots=True)
class Winner:
    """The leader, if its interval over the baseline excludes 0, and what it is served."""

    number: int
    share: Annotated[float, "Share of the optimized arm's traffic that it is served."]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an optimization is."""

    health: Health
    as_of: Annotated[datetime | None, "When the warehouse last counted the reward."]
    notes: list[str]
    days_running: int
    users: ArmUsers
    conversions: Annotated[
        int, "Users so far whose reward is worth more than 0, whatever their age."
    ]
    rewarded_users: Annotated[
        int, "Users so far with any counted reward, a negative one included."
    ]
    mature_users: Annotated[int, "Users whose horizon has passed."]
    mature_conversions: Annotated[int, "Conversions of mature users."]
    estimated_progress: Annotated[float | None, "0 to 1."]
    winner: Annotated[
        Winner | None, "Null while best_vs_baseline_percent of the results is null."
    ]
    stable_since: date | None
    days_to_decision: Annotated[
        int | None,
        "Days until lift_ci_anytime is expected to exclude zero: the median.",
    ]
    days_to_decision_interval: Annotated[
        tuple[int | None, int | None] | None,
        "Central 95%. The upper end is null if it is more than a year away.",
    ]
    unavailable: dict[str, str]


@dataclass(frozen=True, slots=True)
class LoadedProgress:
    """What progress needs besides the counts. `published` are the days, newest first.

    Each has its winner and the winner's lift over the baseline.
    """

    served: ServedModel
    health: Health
    published: Iterable[tuple[date, int | None, float | None]]


def build_progress(
    optimization: Optimization,
    cubes: StoredCubes | None = None,
    loaded: LoadedProgress | None = None,
) -> Progress:
    """Return how far it is, from stored counts and the report of the last training.

    The winner is the leader of the results, with the share that is served now. There is
    none while results withhold it, if all shares are equal, if no variant stands out, if
    the baseline leads, or while no difference from it is seen. `stable_since` is the
    first of the latest published days that all name this winner, with its improvement.
    `days_to_decision` comes from `decision_forecast.forecast_decision`.
    """
    cube = (cubes or StoredCubes(optimization)).load_reward_cube()
    loaded = loaded or _load_progress(optimization)
    served = loaded.served
    withheld = find_withholding_reasons(optimization, served, cube, loaded.health)
    counter = UserCounter(optimization.reward_metric, cube)
    arms, counts = counter.count(cube.arrays.holdout), counter.count_all()
    forecast = _forecast_decision(optimization, served, cube, withheld)
    winner, no_winner = find_winner(served, cube, withheld)
    since = _find_stable_since(loaded.published, winner)
    return Progress(
        health=loaded.health,
        as_of=cube.as_of,
        notes=count_notes.list_notes(cube),
        days_running=_count_days_running(optimization),
        users=ArmUsers(
            optimized=arms.get((False,), NO_USERS).users,
            holdout=arms.get((True,), NO_USERS).users,
        ),
        conversions=counts.conversions,
        rewarded_users=counts.rewarded_users,
        mature_users=counts.mature_users,
        mature_conversions=counts.mature_conversions,
        estimated_progress=(
            None if withheld.allocation else served.report.get("estimated_progress")
        ),
        winner=winner,
        stable_since=since,
        days_to_decision=forecast.days,
        days_to_decision_interval=(
            None if forecast.days is None else (forecast.lo, forecast.hi)
        ),
        unavailable={
            **({} if served.report else dict.fromkeys(TRAINED_FIELDS, NOT_TRAINED)),
            **(
                {"estimated_progress": withheld.allocation}
                if withheld.allocation
                else {}
            ),
            **(_explain_missing_winner(no_winner, since) if served.report else {}),
            **_explain_missing_forecast(forecast),
        },
    )


def find_winner(
    served: ServedModel, cube: ObservationCube, withheld: WithholdingReasons
) -> tuple[Winner | None, str | None]:
    """Return the winner, or None and why there is none."""
    best = leader.find_leader(served.report, served.enabled)
    weights = served_model.compute_traffic_weights(served, cube)
    shares = [weights[number] for number in sorted(served.enabled)]
    reason = withheld.allocation or leader.explain_no_winner(
        served.report, best, shares
    )
    if reason or best is None:
        return None, reason
    return Winner(best.number, weights[best.number] / sum(shares)), None


def _load_progress(optimization: Optimization) -> LoadedProgress:
    published = optimization.published_days.order_by("-day").values_list(
        "day", "figures__winner", "figures__best_lift_percent"
    )
    return LoadedProgress(
        served_model.load_served_model(optimization),
        health_records.load_health(optimization),
        published,
    )


def _count_days_running(optimization: Optimization) -> int:
    ended = optimization.ended_at or optimization.shipped_at or timezone.now()
    return max((ended - (optimization.went_live_at or ended)).days, 0)


def find_withholding_reasons(
    optimization: Optimization,
    served: ServedModel,
    cube: ObservationCube,
    health: Health,
) -> WithholdingReasons:
    """Return why figures of the model are withheld, also those of the decision."""
    if not served.report:
        return WithholdingReasons()
    metric = stored.require_reward_metric(optimization)
    return WithholdingReasons(
        broken=explain_broken(health) or served.report.get("broken"),
        distrusted=calibration.find_distrust_reason(served.report, cube, metric),
        unlearned=served.unlearned,
        unsupported=model_support.explain_missing_support(metric, cube),
    )


def _forecast_decision(
    optimization: Optimization,
    served: ServedModel,
    cube: ObservationCube,
    withheld: WithholdingReasons,
) -> DecisionForecast:
    reason = withheld.broken or withheld.distrusted or withheld.unlearned
    if not served.report or reason:
        return DecisionForecast(None, reason=reason or NOT_TRAINED)
    return decision_forecast.forecast_decision(optimization, served.report, cube)


def _explain_missing_forecast(forecast: DecisionForecast) -> dict[str, str]:
    if forecast.days is None:
        return dict.fromkeys(FORECAST_FIELDS, forecast.reason or "")
    if forecast.hi is None:
        return {"days_to_decision_interval[1]": decision_forecast.BEYOND_FORECAST}
    return {}


def _find_stable_since(
    published: Iterable[tuple[date, int | None, float | None]], winner: Winner | None
) -> date | None:
    since = None
    for day, number, improvement in published:
        # Earlier versions named a winner also where they claimed no improvement.
        if winner is None or number != winner.number or improvement is None:
            break
        since = day
    return since


def _explain_missing_winner(
    no_winner: str | None, since: date | None
) -> dict[str, str]:
    if no_winner is not None:
        return dict.fromkeys(("winner", "stable_since"), no_winner)
    return {} if since else {"stable_since": POLICY_CHANGED}

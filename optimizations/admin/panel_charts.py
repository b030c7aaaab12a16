"""Which charts the panel has."""

from collections.abc import Sequence

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from levered_site.charts.element import Element
from metrics.models import Metric
from optimizations.admin import lift_chart, model_charts
from optimizations.models import Optimization
from optimizations.results import history
from optimizations.results.report import Results

TOGETHER = "What goes together"


def render_charts(
    optimization: Optimization, results: Results
) -> tuple[tuple[str, SafeString], ...]:
    """Return the title and the markup of each chart of an optimization that was live.

    One query is its own, that of the published days, where the regimes are prefetched.
    """
    metric = optimization.reward_metric
    reward_type = "" if metric is None else metric.reward_type
    less = is_less_better(optimization)
    regimes = sorted(optimization.regimes.all(), key=lambda regime: regime.number)
    daily = history.load_published_days(optimization)
    charts: list[tuple[str, Sequence[Element]]] = [
        (
            lift_chart.HEADING.title,
            [lift_chart.draw_lift(results.health, daily, regimes, is_less_better=less)],
        ),
        (model_charts.SHARES.title, [model_charts.draw_shares(results)]),
        (
            model_charts.BELIEFS.title,
            [model_charts.draw_beliefs(results, reward_type)],
        ),
        (
            TOGETHER,
            model_charts.draw_interactions(
                results.interactions or (), reward_type, is_less_better=less
            ),
        ),
    ]
    return tuple((title, _join(drawn)) for title, drawn in charts if drawn)


def is_less_better(optimization: Optimization) -> bool:
    """Return whether a negative lift of the reward is an improvement."""
    metric = optimization.reward_metric
    return metric is not None and metric.direction == Metric.Direction.DECREASE


def _join(elements: Sequence[Element]) -> SafeString:
    return format_html_join("", "{}", ((element,) for element in elements))

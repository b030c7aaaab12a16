"""Charts with numbers as a page has them, of each kind and of each degenerate kind."""

import math
from datetime import UTC, date, datetime, timedelta

from levered_site.charts.element import Element
from levered_site.charts.event_track import (
    TrackEvent,
    TrackLane,
    TrackSpan,
    build_event_track,
)
from levered_site.charts.figure import Heading
from levered_site.charts.forest import ForestRow, build_forest
from levered_site.charts.heat_map import HeatCell, HeatMap, build_heat_map
from levered_site.charts.hourly_bars import HourlySeries, build_hourly_bars
from levered_site.charts.intervals import build_interval_bar, build_range_bar
from levered_site.charts.line_band import build_line_chart
from levered_site.charts.line_band_points import DayMark, DayPoint
from levered_site.charts.ridgeline import Ridge, build_density, build_ridgeline
from levered_site.charts.stacked_area import build_stacked_area
from levered_site.charts.stacked_area_layout import ShareSeries
from levered_site.charts.stepped_timeline import Lane, Step, build_timeline
from levered_site.charts.units import LIFT, SHARE

START = date(2026, 11, 4)
VARIANTS = (
    *("reviews · Pay now · single page", "badges · Pay now · single page"),
    *("none · Complete order · two steps", "badges · Buy now · two steps"),
    *("badges · Complete order · single page", "none · Pay now · two steps"),
    *("reviews · Complete order · single page", "none · Pay now · single page"),
)


def list_points(days: int, withheld: tuple[int, ...] = ()) -> list[DayPoint]:
    """Return the lift of so many days, whose intervals get narrower; some withheld."""
    points = []
    for number in range(days):
        lift = 16 - 12 * math.exp(-number / 8) + 2 * math.sin(number)
        reach = 80 / math.sqrt(number + 1)
        point = DayPoint(
            START + timedelta(days=number),
            round(lift, 2),
            (round(lift - 1.3 * reach, 2), round(lift + 1.5 * reach, 2)),
            (round(lift - 0.8 * reach, 2), round(lift + 0.9 * reach, 2)),
        )
        if number in withheld:
            point = DayPoint(point.day, None, withheld="The split was broken.")
        points.append(point)
    return points


def build_lift(
    prefix: str, days: int = 23, withheld: tuple[int, ...] = (), *, marked: bool = True
) -> Element:
    """Return the lift over time."""
    marks = [
        DayMark(START + timedelta(days=8), "new variant “badges”", "regime"),
        DayMark(START + timedelta(days=10), "Black Friday sale began", "note"),
        DayMark(START + timedelta(days=20), "decided: band stays above 0", "decided"),
    ]
    heading = Heading(prefix, "Lift over time", "Optimized against holdout, by day.")
    points = list_points(days, withheld)
    marks = marks if marked else []
    return build_line_chart(heading, points, marks, unit=LIFT, value_name="lift")


def build_shares(prefix: str, variants: int, versions: int) -> Element:
    """Return the traffic of so many variants over so many versions."""
    series = []
    for number in range(variants):
        weights = [
            math.exp(step * (0.25 - 0.1 * number) / 4 + math.sin(number + step / 3) / 4)
            for step in range(versions)
        ]
        series.append(weights)
    totals = [sum(weights[step] for weights in series) for step in range(versions)]
    heading = Heading(prefix, "Who was shown what", "Share of optimized traffic.")
    names = [
        f"{number + 1} {VARIANTS[number % len(VARIANTS)]}" for number in range(variants)
    ]
    return build_stacked_area(
        heading,
        [f"v{step + 1}" for step in range(versions)],
        [
            ShareSeries(
                name,
                [weight / total for weight, total in zip(weights, totals, strict=True)],
            )
            for name, weights in zip(names, series, strict=True)
        ],
    )


def build_guardrails(prefix: str) -> Element:
    """Return guardrails: one fine, one violated, one open, one withheld."""
    heading = Heading(prefix, "Guardrails", "What must not suffer.")
    rows = [
        ForestRow("Bounces", 2.4, -5.0, 9.5, "ok"),
        ForestRow("Refund requests", 40.6, 8.0, None, "violated", "bad"),
        ForestRow("Time to the first answer of the support", -3.0, -30.0, 22.0, "ok"),
        ForestRow("Refunds", None, withheld="no holdout user has refunded yet"),
    ]
    return build_forest(heading, rows, unit=LIFT, row_name="guardrail")


def build_beliefs(prefix: str, variants: int) -> Element:
    """Return the posteriors of so many variants."""
    heading = Heading(prefix, "What each variant is believed to earn", "Posteriors.")
    ridges = []
    for number in range(variants):
        mean, spread = 9.2 - 0.18 * number, 0.3 + 0.06 * (number % 5)
        ridges.append(
            Ridge(
                f"{number + 1} {VARIANTS[number % len(VARIANTS)]}",
                mean,
                mean - 1.96 * spread,
                mean + 1.96 * spread,
                build_density(mean, mean - 1.96 * spread, mean + 1.96 * spread),
                (f"{30 / (number + 1):.0f}%", f"{13747 // (number + 1):,}"),
            )
        )
    return build_ridgeline(
        heading,
        ridges,
        unit=SHARE,
        column_names=("best with", "users"),
        baseline=8.5,
    )


def build_interactions(prefix: str) -> Element:
    """Return what goes together, of which one cell is beyond chance."""
    cells = [
        [HeatCell(0.68, "+0.68", is_marked=True), HeatCell(0.13, "+0.13")],
        [HeatCell(-0.02, "-0.02"), HeatCell(-0.94, "-0.94")],
        [HeatCell(None, "—"), HeatCell(0.3, "+0.30")],
    ]
    chart = HeatMap(
        "button \N{MULTIPLICATION SIGN} trust",
        ("Buy now", "Complete order", "Pay now"),
        ("badges", "reviews"),
        cells,
        "signed",
        "beyond chance",
    )
    return build_heat_map(Heading(prefix, "What goes together", "Points."), chart)


def build_map(prefix: str, contexts: int, variants: int) -> Element:
    """Return who gets what: contexts by variants."""
    rows = [
        f"{('desktop', 'mobile', 'tablet')[n % 3]}, plan {n // 3}"
        for n in range(contexts)
    ]
    cells = []
    for row in range(contexts):
        weights = [math.exp(-(((row % 5) - column) ** 2)) for column in range(variants)]
        shares = [weight / sum(weights) for weight in weights]
        largest = max(shares)
        cells.append(
            [
                HeatCell(share, f"{100 * share:.0f}%", is_marked=share == largest)
                for share in shares
            ]
        )
    columns = [f"no. {number + 1}" for number in range(variants)]
    chart = HeatMap(
        "device, plan", rows, columns, cells, mark_meaning="gets most of the traffic"
    )
    return build_heat_map(Heading(prefix, "Who gets what now", "Chances."), chart)


def build_history(prefix: str) -> Element:
    """Return regimes and versions."""
    days = [START + timedelta(days=number) for number in (0, 8, 9, 20)]
    lanes = [
        Lane(
            "Measuring periods",
            [
                Step("1", days[0], days[1], "went live"),
                Step("2", days[1], days[2], "variant added"),
                Step("3", days[2], None, "holdout changed to 10 %"),
            ],
        ),
        Lane(
            "Policy", [Step("v1 to v12", days[0], days[3]), Step("v13", days[3], None)]
        ),
    ]
    heading = Heading(prefix, "Measuring periods and versions", "One after another.")
    return build_timeline(heading, lanes, START + timedelta(days=22))


def build_hours(prefix: str) -> Element:
    """Return three series of a day, of which one is a thousand times larger."""
    hours = [f"{(hour + 7) % 24:02}:00" for hour in range(24)]
    waves = [round(900 + 800 * math.sin(hour / 4)) for hour in range(24)]
    series = [
        HourlySeries("Exposures: 21,455", waves),
        HourlySeries("Rewards: 9", [0] * 20 + [2, 0, 3, 4]),
        HourlySeries("Decisions: 0", [0] * 24),
    ]
    return build_hourly_bars(Heading(prefix, "By hour", "Counts."), hours, series)


def build_visitor(prefix: str) -> Element:
    """Return a visitor who was drawn again, with rewards that count and that do not."""
    start = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
    redrawn, end = start + timedelta(hours=7), start + timedelta(hours=24)
    lanes = [
        TrackLane(
            "Variant",
            [
                TrackSpan("3 badges · Pay now", start, redrawn, "first serve"),
                TrackSpan("5 reviews · Buy now", redrawn, None, "drawn again"),
            ],
        ),
        TrackLane("Rewards count", [TrackSpan("24 hours", start, end)]),
        TrackLane(
            "Rewards",
            events=[
                TrackEvent("signup", start + timedelta(minutes=40), "good", "counts"),
                TrackEvent("signup", start + timedelta(hours=27), "watch", "too late"),
            ],
        ),
    ]
    heading = Heading(prefix, "What the visitor met", "Decisions and rewards.")
    return build_event_track(heading, lanes, end)


def build_range(prefix: str) -> Element:
    """Return what a variant is believed to earn, beside the holdout."""
    title = "8.62 %, 95% 7.90 % to 9.34 %; the holdout: 5.77 %"
    bar = build_range_bar(prefix, title, (7.9, 9.34), 8.62, (5, 10), 5.77)
    assert bar is not None
    return bar


EXAMPLES = {
    "hours": build_hours("hours"),
    "lift": build_lift("lift"),
    "lift_gaps": build_lift("gaps", withheld=(3, 4, 5, 9)),
    "lift_one_day": build_lift("one", 1),
    "lift_two_days": build_lift("two", 2, marked=False),
    "lift_withheld": build_lift("withheld", 2, (0, 1)),
    "shares": build_shares("shares", 18, 22),
    "shares_three": build_shares("three", 3, 6),
    "shares_one_version": build_shares("version", 3, 1),
    "shares_none": build_shares("none", 3, 0),
    "guardrails": build_guardrails("guardrails"),
    "beliefs": build_beliefs("beliefs", 9),
    "beliefs_many": build_beliefs("many", 100),
    "interactions": build_interactions("interactions"),
    "map": build_map("map", 6, 5),
    "map_many": build_map("wide", 8, 18),
    "history": build_history("history"),
    "visitor": build_visitor("visitor"),
    "bar": build_interval_bar(
        "bar", "+15.8 % (+0.2 % to +34.0 %)", (0.2, 34.0), 15.8, 30, "good"
    ),
    "range": build_range("range"),
}

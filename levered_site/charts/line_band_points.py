"""What a line with its band is drawn from: the points of days, and marks over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from levered_site.charts.axes import Plot
from levered_site.charts.scales import Scale, find_central_range
from levered_site.charts.units import Unit

Limits = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class DayPoint:
    """A day's figure: None is withheld. `outer` holds at every look, `inner` at one.

    An end of an interval is None where the data do not bound it.
    """

    day: date
    value: float | None
    outer: Limits | None = None
    inner: Limits | None = None
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class DayMark:
    """What happened on a day; `kind` is `decided`, `harmed`, `regime` or `note`."""

    day: date
    text: str
    kind: str = "note"


@dataclass(frozen=True, slots=True)
class LineChart:
    """Points and marks in the order of their days, of which at least one has a figure."""

    points: Sequence[DayPoint]
    marks: Sequence[DayMark]
    unit: Unit

    def build_scales(self, plot: Plot) -> tuple[Scale, Scale]:
        """Return the scales of days and of values in a plot."""
        first, last = (self.points[end].day.toordinal() for end in (0, -1))
        single = first == last
        low, high = find_central_range(
            [point.value for point in self.points if point.value is not None],
            [
                end
                for point in self.points
                for end in point.outer or ()
                if end is not None
            ],
        )
        return (
            Scale(first - single, last + single, plot.left, plot.right),
            Scale(low, high, plot.bottom, plot.top),
        )

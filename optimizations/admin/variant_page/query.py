"""What the tab Variants was asked for: a search, levels, a state, an order, a view."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.http import HttpRequest
from django.utils.http import urlencode

from optimizations.admin.variant_page.rows import STATE_COLORS, VariantRow
from optimizations.results.readings.variant_results import rank_by_chance

GALLERY, TABLE = "gallery", "table"
DEFAULTS = {"sort": "-best", "view": GALLERY}
MAX_SEARCH = 200
LEVEL_PREFIX = "level-"  # before the place of a factor
# The orders that are offered, by what stands in the address.
ORDERS = {
    "-best": "chance of being best",
    "-mean": "believed mean, highest first",
    "mean": "believed mean, lowest first",
    "-traffic": "share of traffic",
    "-users": "users",
    "number": "number",
}
Value = float | int | None


def _read(name: str) -> Callable[[VariantRow], Value]:
    return lambda row: getattr(row.result, name, None)


VALUES: Mapping[str, Callable[[VariantRow], Value]] = {
    "number": lambda row: row.number,
    "best": _read("prob_best"),
    "mean": _read("expected_reward_mean"),
    "traffic": _read("weight"),
    "users": _read("users"),
    "rewarded": _read("rewarded_users"),
    "measured": _read("mean_reward"),
}


@dataclass(frozen=True, slots=True)
class VariantQuery:
    """A query of the variants; what is empty does not filter.

    `levels` are places of levels by the place of their factor. `sort` is a name in
    VALUES, after a minus if the largest come first.
    """

    q: str = ""
    state: str = ""
    sort: str = DEFAULTS["sort"]
    view: str = DEFAULTS["view"]
    levels: Mapping[int, int] = field(default_factory=dict)

    @property
    def is_filtering(self) -> bool:
        """Return whether any variant may be left out."""
        return self.filters_count > 0

    @property
    def filters_count(self) -> int:
        """Return how many of search, state and levels are set."""
        return bool(self.q) + bool(self.state) + len(self.levels)

    def build_url(self, path: str, *, sort: str = "", view: str = "") -> str:
        """Return the address of the tab at `path` with another order or view."""
        values = {
            "q": self.q,
            "state": self.state,
            "sort": sort or self.sort,
            "view": view or self.view,
            **{
                f"{LEVEL_PREFIX}{place}": str(self.levels[place])
                for place in self.levels
            },
        }
        given = {
            name: value
            for name, value in values.items()
            if value != DEFAULTS.get(name, "")
        }
        query = urlencode(given)
        return f"{path}?{query}" if query else path

    def build_sort_url(self, path: str, name: str) -> str:
        """Return the address sorted by a column, the other way round if it is already.

        What is largest comes first at first, but of numbers the smallest.
        """
        first, second = (name, f"-{name}") if name == "number" else (f"-{name}", name)
        return self.build_url(path, sort=second if self.sort == first else first)

    def find_order(self, name: str) -> str:
        """Return the order of a column as `aria-sort` has it."""
        if self.sort.removeprefix("-") != name:
            return "none"
        return "descending" if self.sort.startswith("-") else "ascending"


def read_query(request: HttpRequest) -> VariantQuery:
    """Return what the request asks for; what there is not is left out."""
    given = request.GET
    sort = given.get("sort", "")
    levels = {}
    for name in given:
        place, value = name.removeprefix(LEVEL_PREFIX), given.get(name, "")
        if place != name and _is_place(place) and _is_place(value):
            levels[int(place)] = int(value)
    return VariantQuery(
        q=given.get("q", "").replace("\0", "").strip()[:MAX_SEARCH],
        state=given.get("state", "") if given.get("state") in STATE_COLORS else "",
        sort=sort if sort.removeprefix("-") in VALUES else DEFAULTS["sort"],
        view=TABLE if given.get("view") == TABLE else GALLERY,
        levels=levels,
    )


def _is_place(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 5


def find_rows(
    rows: Sequence[VariantRow], query: VariantQuery, *, is_less_better: bool = False
) -> list[VariantRow]:
    """Return the rows that match, in order; those without a value come last.

    Of equal chances of being best the better believed mean comes first.
    """
    kept = [row for row in rows if _matches(row, query)]
    name = query.sort.removeprefix("-")
    value = VALUES[name]
    sign = -1 if query.sort.startswith("-") else 1

    def rank(row: VariantRow) -> tuple[bool, float, float, int]:
        own, second = value(row), 0.0
        if name == "best" and row.result:
            second = rank_by_chance(row.result, is_less_better=is_less_better)[1]
        return own is None, sign * (own or 0), -sign * second, row.number

    return sorted(kept, key=rank)


def _matches(row: VariantRow, query: VariantQuery) -> bool:
    if query.state and row.state != query.state:
        return False
    if any(
        place >= len(row.levels) or row.levels[place].place != level
        for place, level in query.levels.items()
    ):
        return False
    words = query.q.casefold().split()
    text = f"no. {row.number} {row.name}".casefold()
    return query.q == str(row.number) or all(word in text for word in words)

"""The tabs in the order in which they stand, and their addresses."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from optimizations.admin.tabs import decisions, history, results, segments, variants
from optimizations.admin.tabs.tab import Tab
from optimizations.models import Optimization

# The first one is what every link to an optimization opens.
TABS: tuple[Tab, ...] = (
    results.TAB,
    variants.TAB,
    segments.TAB,
    decisions.TAB,
    history.TAB,
)
# The form of the admin, which Django shows and saves; see `optimization_pages`.
SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class TabLink:
    """A tab in the row above the page."""

    title: str
    url: str
    is_open: bool


def name_url(name: str) -> str:
    """Return the name of a tab's URL; the first tab is what Django calls `change`."""
    suffix = "change" if name == TABS[0].name else name
    return f"optimizations_optimization_{suffix}"


def build_url(optimization: Optimization, name: str) -> str:
    """Return the address of a tab of an optimization."""
    return reverse(f"admin:{name_url(name)}", args=[optimization.pk])


def build_links(optimization: Optimization, open_name: str) -> Sequence[TabLink]:
    """Return the row of tabs, in which the tab `open_name` is open."""
    titles = [*((tab.name, tab.title) for tab in TABS), (SETTINGS, "Settings")]
    return [
        TabLink(title, build_url(optimization, name), name == open_name)
        for name, title in titles
    ]

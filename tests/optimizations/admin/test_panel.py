"""The panel of an optimization's admin page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from optimizations.admin import optimization_panel
from optimizations.results import stored
from tests.support import optimization_factories, traffic

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_first_figure_shows_the_anytime_interval() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization(), holdout_percentage=50
    )
    start = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, start, 1000, lambda *_: 0.3)
    stored.refresh_counts(optimization)

    figures = optimization_panel.build_panel(optimization).figures

    title, _, note = figures[0]
    assert title == "Measured lift"
    assert note.startswith("95 %, however often one looks: ")

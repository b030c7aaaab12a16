"""What an optimization's staff page shows first."""

from datetime import timedelta

import pytest
from django.utils import timezone

from optimizations.admin import optimization_panel
from optimizations.results import stored
from tests.support import optimization_factories, traffic

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_interval_shown_first_is_the_one_that_holds_at_all_looks() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization(), holdout_percentage=50
    )
    began = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, began, 1000, lambda *_: 0.3)
    stored.refresh_counts(optimization)

    figures = optimization_panel.build_panel(optimization).figures

    title, _, note = figures[0]
    assert title == "Measured lift"
    assert note.startswith("95 %, however often one looks: ")

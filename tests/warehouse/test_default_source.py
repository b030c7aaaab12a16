"""A source that would become the default changes what live traffic is counted by."""

import pytest

from metrics.models import AssignmentSource
from tests.levered_site.mcp.test_same_rules import call, document
from tests.support import factories
from tests.support.second_postgres import SecondServer
from tests.support.shop import SOURCE, connect_warehouse

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_new_default_source_is_shown_before_it_is_saved(second: SecondServer) -> None:
    api = factories.make_admin_api(factories.make_organization())
    connect_warehouse(api, second)
    source = {"kind": "assignment_source", **SOURCE}

    shown = document(call(api, "define_metric", **source))
    before = AssignmentSource.objects.count()
    saved = document(call(api, "define_metric", **source, confirm=True))
    beside = document(call(api, "define_metric", **(source | {"name": "beside"})))
    other = source | {"name": "other", "default": True}
    again = document(call(api, "define_metric", **other))

    assert (shown["done"], before) == (False, 0)
    assert (saved["done"], beside["done"], again["done"]) == (True, True, False)
    assert shown["changes"]["default"] == [None, SOURCE["name"]]
    assert again["changes"]["default"] == [SOURCE["name"], "other"]
    assert AssignmentSource.objects.count() == 2

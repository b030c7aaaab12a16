"""MCP shows a new default source before saving it: it changes how traffic is counted."""

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

    preview = document(call(api, "define_metric", **source))
    count_after_preview = AssignmentSource.objects.count()
    saved = document(call(api, "define_metric", **source, confirm=True))
    additional = document(call(api, "define_metric", **(source | {"name": "beside"})))
    other = source | {"name": "other", "default": True}
    other_preview = document(call(api, "define_metric", **other))

    assert (preview["done"], count_after_preview) == (False, 0)
    assert (saved["done"], additional["done"]) == (True, True)
    assert other_preview["done"] is False
    assert preview["changes"]["default"] == [None, SOURCE["name"]]
    assert other_preview["changes"]["default"] == [SOURCE["name"], "other"]
    assert AssignmentSource.objects.count() == 2

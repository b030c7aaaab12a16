"""A view answers the methods that its route declares, and no others."""

from typing import Any

import pytest

from levered_site.api import openapi

HTTP_METHODS = {*openapi.HTTP_METHODS, "trace"} - {"options"}
VIEW_SETS = [
    pytest.param(view, id=path)
    for path, view in openapi.walk_routes()
    if hasattr(view, "actions")
]


@pytest.mark.parametrize("view", VIEW_SETS)
def test_no_action_is_named_as_a_method(view: Any) -> None:
    """Django would call it on each of the class's routes, declared there or not."""
    assert not [name for name in HTTP_METHODS if hasattr(view.cls, name)]

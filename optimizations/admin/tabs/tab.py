"""What a tab of an optimization's page is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from levered_site.admin.roles import RoleName
from optimizations.models import Optimization

TabFunction = Callable[[HttpRequest, Optimization], Mapping[str, Any]]
PostFunction = Callable[[HttpRequest, Optimization], HttpResponse]
DownloadFunction = Callable[[HttpRequest, Optimization], HttpResponse]


@dataclass(frozen=True, slots=True)
class Tab:
    """A page below the address of an optimization.

    Whoever opens it may view the optimization: the page looked it up among those of the
    user's organizations. A tab that reads other tables restricts them to it.

    Attributes
    ----------
    name: the last part of its address, as in `…/optimization/<id>/variants/`.
    title: its name in the row of tabs.
    template: extends `levered_admin/optimization/page.html` and fills its block `tab`.
    build_context: returns what the template needs besides head and tabs.
    handle_post: answers a form on the tab, usually by a redirect; without it a POST is
        refused. It takes `post_role` in the optimization's organization.
    build_download: answers the address of the tab with `format=csv` by a file.

    """

    name: str
    title: str
    template: str
    build_context: TabFunction
    handle_post: PostFunction | None = None
    post_role: RoleName = "editor"
    build_download: DownloadFunction | None = None

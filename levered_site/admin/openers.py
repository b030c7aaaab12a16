"""Where a dialog leads back to: the page that opened it."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

OPENER_PARAMETER = "next"  # of a dialog's address: where its page sends back to


def redirect_back(admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """Redirect to where the dialog was opened, by `next` in its address.

    Without it redirect to the object's page, or to the list if the object is gone.
    """
    prefix = f"admin:{admin.opts.app_label}_{admin.opts.model_name}_"
    path = _find_opener(request)
    if not path:
        still_exists = admin.get_object(request, object_id) is not None
        path = (
            reverse(f"{prefix}change", args=[object_id])
            if still_exists
            else reverse(f"{prefix}changelist")
        )
    if "HX-Request" in request.headers:  # htmx opened the dialog
        return HttpResponse(headers={"HX-Redirect": path})
    return HttpResponseRedirect(path)


def _find_opener(request: HttpRequest) -> str:
    """Return the page of the admin that `next` names; empty for anything else."""
    path = request.GET.get(OPENER_PARAMETER, "")
    is_ours = path.startswith(reverse("admin:index"))
    return (
        path
        if is_ours and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
        else ""
    )

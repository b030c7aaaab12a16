"""The report: the document as one file that needs nothing else."""

from typing import Any

from django.http import HttpResponse
from django.template.loader import render_to_string

from optimizations.admin.documents import document, inlined_files

TEMPLATE = "levered_document/report.html"


def build_download(optimization: Any) -> HttpResponse:
    """Return the report of an optimization as a file to save."""
    context = document.build_document(optimization, is_public=False)
    context["styles"] = inlined_files.read_styles()
    name = document.name_file(optimization, context["written_at"])
    return HttpResponse(
        render_to_string(TEMPLATE, context),
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )

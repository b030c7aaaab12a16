"""Admin pages: the names of all lists; their forms as a browser would send them back."""

from html.parser import HTMLParser
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from optimizations.models import Optimization

Fields = dict[str, list[str]]
# As in the names of URLs, `admin:{name}_changelist`.
EVERY_LIST = sorted(
    f"{model._meta.app_label}_{model._meta.model_name}"
    for model in admin.site._registry
)


class _FormReader(HTMLParser):
    """Collects the fields of the form with an id."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id = form_id
        self.fields: Fields = {}
        self._is_inside = False
        self._select = self._textarea = ""
        self._is_template = False  # a browser sends nothing of one

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "form":
            self._is_inside = named.get("id") == self.form_id
        self._is_template |= tag == "template"
        if not self._is_inside or self._is_template:
            return
        name = named.get("name") or ""
        if tag == "input" and name:
            self._add_input(name, named)
        elif tag == "textarea":
            self._textarea = name
            self.fields[name] = [""]
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in named:
            self.fields.setdefault(self._select, []).append(named.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        elif tag == "template":
            self._is_template = False
        elif tag == "textarea" and self._textarea:
            (text,) = self.fields[self._textarea]
            # A browser drops the first line end, and sends all others as CR LF.
            text = text.removeprefix("\r").removeprefix("\n")
            self.fields[self._textarea] = ["\r\n".join(text.splitlines())]
            self._textarea = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.fields[self._textarea][0] += data

    def _add_input(self, name: str, named: dict[str, str | None]) -> None:
        kind = named.get("type")
        is_pressed = kind in {"submit", "button", "file"}
        is_off = kind in {"checkbox", "radio"} and "checked" not in named
        if not is_pressed and not is_off and "disabled" not in named:
            self.fields.setdefault(name, []).append(named.get("value") or "")


def build_change_url(row: Model) -> str:
    """Return the URL of a row's page."""
    options = row._meta
    name = f"admin:{options.app_label}_{options.model_name}_change"
    return reverse(name, args=[quote(row.pk)])


def build_form_url(row: Model) -> str:
    """Return the URL of a row's form, which is its page or a tab of it."""
    if isinstance(row, Optimization):
        return reverse("admin:optimizations_optimization_settings", args=[row.pk])
    return build_change_url(row)


def open_form(client: Client, row: Model) -> Fields:
    """Open the form of a row and return what it would send unchanged."""
    page = client.get(build_form_url(row))
    assert page.status_code == 200, page.status_code
    reader = _FormReader(f"{row._meta.model_name}_form")
    reader.feed(page.content.decode())
    assert reader.fields, "the page has a form"
    return reader.fields


def build_add_url(model: type[Model]) -> str:
    """Return the URL of the form of a new row."""
    options = model._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_add")


def open_add_form(client: Client, model: type[Model], **query: str) -> Fields:
    """Open the form of a new row and return what it would send as it is."""
    page = client.get(build_add_url(model), query)
    assert page.status_code == 200, page.status_code
    reader = _FormReader(f"{model._meta.model_name}_form")
    reader.feed(page.content.decode())
    return reader.fields


def read_errors(answer: Any) -> dict[str, list[str]]:
    """Return the errors of the form on a page, by field; "" has those above them."""
    errors = answer.context["adminform"].form.errors
    return {name.replace("__all__", ""): list(each) for name, each in errors.items()}


def read_shown_values(client: Client, row: Model) -> Fields:
    """Return the hidden field of a row's form that says what the form shows."""
    return {"shown_values": open_form(client, row)["shown_values"]}


def send_form(client: Client, row: Model, fields: Fields, **changes: Any) -> Any:
    """Send the form of `open_form`, with changes."""
    return client.post(build_form_url(row), {**fields, **changes})

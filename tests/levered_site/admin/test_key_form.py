"""The form of an API key: what the API creates; its secret is shown once and kept nowhere."""

import json
import logging
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client

from levered_site.organizations.models import ApiKey, AuditEntry, Organization
from tests.support import admin_forms, factories, staff_world
from tests.support.admin_actions import read_last_audit

pytestmark = pytest.mark.django_db

SECRET = re.compile(r'value="(lev_[\w-]{20,})"')


@pytest.fixture
def acme() -> Organization:
    return factories.make_organization("Acme")


@pytest.fixture
def owner(client: Client, acme: Organization) -> Client:
    """Log in an owner of the organization."""
    client.force_login(staff_world.make_member(acme, "owner"))
    return client


def send(client: Client, **values: Any) -> Any:
    """Open the form of a new key, enter values, send it."""
    form = admin_forms.open_add_form(client, ApiKey)
    sent = {**form, "label": "backend", **values}
    return client.post(admin_forms.build_add_url(ApiKey), sent)


def read_secret(answer: Any) -> str:
    """Return the secret that a page shows."""
    (secret,) = SECRET.findall(answer.content.decode())
    return str(secret)


def test_an_owner_creates_a_key_that_works(owner: Client, acme: Organization) -> None:
    answer = send(owner, scopes=["read", "serve"], expires_at="2100-01-02T03:04")

    key = ApiKey.objects.get()
    secret = read_secret(answer)
    assert (key.organization, key.label) == (acme, "backend")
    assert key.scopes == ["serve", "read"]
    assert f"{key.expires_at:%Y-%m-%dT%H:%M%z}" == "2100-01-02T03:04+0000"
    assert read_last_audit() == ("api_key.make", "staff", "clerk")
    me = factories.Api().get("/me", X_API_Key=secret)
    assert factories.read_body(me)["api_key"]["id"] == str(key.pk)


def test_the_secret_is_in_one_response_and_nowhere_else(
    owner: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    answer = send(owner)

    key, secret = ApiKey.objects.get(), read_secret(answer)
    assert "no-store" in answer["Cache-Control"]
    assert list(answer.context["messages"]) == []
    later = [
        owner.get(path).content.decode()
        for path in (
            admin_forms.build_change_url(key),
            "/admin/organizations/apikey/",
            "/admin/organizations/auditentry/",
        )
    ]
    stored = [
        *map(str, AuditEntry.objects.values()),
        *map(str, LogEntry.objects.values()),
        *map(str, ApiKey.objects.values()),
        *(json.dumps(each.get_decoded()) for each in Session.objects.all()),
        *(str(each) for each in owner.cookies.values()),
        caplog.text,
    ]
    for text in (*later, *stored):
        assert secret not in text


def test_a_page_that_is_loaded_again_creates_no_second_key(
    owner: Client, acme: Organization
) -> None:
    form = admin_forms.open_add_form(owner, ApiKey)
    path, sent = admin_forms.build_add_url(ApiKey), {**form, "label": "backend"}

    first, again = owner.post(path, sent), owner.post(path, sent)

    assert read_secret(first).startswith("lev_")
    assert SECRET.findall(again.content.decode()) == []
    assert "sent before" in admin_forms.read_errors(again)[""][0]
    assert ApiKey.objects.count() == 1


def test_a_publishable_key_has_rewards_and_origins(owner: Client) -> None:
    answer = send(
        owner,
        scopes=["track"],
        origins="https://shop.example\nhttps://www.shop.example",
        **{
            "rewards-name": ["purchase", ""],
            "rewards-min": ["0", ""],
            "rewards-max": ["99.5", ""],
        },
    )

    key = ApiKey.objects.get()
    assert key.public_key == read_secret(answer)
    assert key.rewards == [{"name": "purchase", "min": 0, "max": 99.5}]
    assert key.origins == ["https://shop.example", "https://www.shop.example"]
    assert "It may stand in a web page" in answer.content.decode()


@pytest.mark.parametrize(
    ("values", "field", "complaint"),
    [
        ({"label": ""}, "label", "required"),
        ({"scopes": []}, "scopes", "required"),
        ({"scopes": ["track", "read"]}, "scopes", "cannot be combined"),
        ({"scopes": ["admin"]}, "scopes", "must be one of"),
        ({"expires_at": "2001-01-01T00:00"}, "expires_at", "must be in the future"),
        ({"expires_at": "soon"}, "expires_at", "wrong format"),
        ({"origins": "https://shop.example"}, "origins", "only a key with the scope"),
        (
            {"scopes": ["track"], "origins": "https://shop.example\nnot an origin"},
            "origins",
            "Row 2: ",
        ),
        (
            {
                "scopes": ["track"],
                "rewards-name": ["purchase"],
                "rewards-min": ["2"],
                "rewards-max": ["1"],
            },
            "rewards",
            "Row 1, max: must be at least",
        ),
    ],
)
def test_an_error_stands_beside_its_field(
    owner: Client, values: dict[str, Any], field: str, complaint: str
) -> None:
    answer = send(owner, **values)

    errors = admin_forms.read_errors(answer)
    assert list(errors) == [field]
    assert complaint in errors[field][0]
    assert not ApiKey.objects.exists()


def test_the_limit_of_keys_holds(owner: Client, settings: Any) -> None:
    settings.MAX_API_KEYS = 0

    answer = send(owner)

    assert "0 are allowed" in admin_forms.read_errors(answer)[""][0]


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_owners_create_keys(client: Client, acme: Organization, role: str) -> None:
    client.force_login(staff_world.make_member(acme, role))
    path = admin_forms.build_add_url(ApiKey)

    listing = client.get("/admin/organizations/apikey/").content.decode()
    answers = [
        client.get(path),
        client.post(path, {"label": "x", "organization": acme.pk, "scopes": "read"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert path not in listing
    assert not ApiKey.objects.exists()

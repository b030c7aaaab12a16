"""Organizations, tokens, keys and API clients for tests, made as small as possible."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.http import HttpResponse
from django.test import Client
from django.test.client import ClientHandler

from levered_site.organizations import api_keys, members, tokens
from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.api_keys import KeySpec
from levered_site.organizations.models import Organization

_numbers = itertools.count(1)
# Shared by all clients: building the middleware, static files included, takes 0.1 s.
_handler = ClientHandler(enforce_csrf_checks=False)


def make_organization(name: str = "") -> Organization:
    """Make an organization with an id of its own."""
    number = next(_numbers)
    return Organization.objects.create(
        id=f"org_test_{number}", name=name or f"Organization {number}"
    )


def admin_token(organization: Organization, user_id: str = "user_alice") -> str:
    """Issue an admin's token; the user becomes a member of the organization."""
    return _issue_token(organization, "admin", user_id)


def member_token(organization: Organization, user_id: str = "user_bob") -> str:
    """Issue a token of a member who is no admin."""
    return _issue_token(organization, "member", user_id)


def _issue_token(organization: Organization, role: str, user_id: str) -> str:
    token = tokens.issue_token(organization.pk, role, user_id=user_id)
    members.upsert_member(tokens.verify_token(token))
    return token


def make_api_key(
    organization: Organization,
    label: str = "backend",
    scopes: Sequence[str] = ("ingest",),
    **fields: Any,
) -> str:
    """Make an API key and return its secret; `fields` are those of a `KeySpec`."""
    spec = KeySpec(label, scopes, **fields)
    return api_keys.create_key(organization.pk, spec, SYSTEM_ACTOR)[1]


class Api:
    """A client of the API with one token, one API key or neither."""

    def __init__(self, token: str | None = None) -> None:
        self.client = Client(raise_request_exception=False)
        self.client.handler = _handler
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        base: str = "/api/v2",
    ) -> HttpResponse:
        """Send a request to a path below `base`, with a JSON body; bytes go as is."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        data: dict[str, Any] = {} if body is None else {"data": raw}
        response: Any = self.client.generic(
            method,
            f"{base}{path}",
            content_type="application/json",
            headers={**self.headers, **(headers or {})},
            **data,
        )
        assert isinstance(response, HttpResponse)
        return response

    def get(self, path: str, **headers: str) -> HttpResponse:
        """Send a GET."""
        return self.request("GET", path, headers=_hyphenate_headers(headers))

    def post(self, path: str, body: object = None, **headers: str) -> HttpResponse:
        """Send a POST. Headers are keywords: `Idempotency_Key="…"`."""
        return self.request("POST", path, body, _hyphenate_headers(headers))

    def patch(self, path: str, body: object, **headers: str) -> HttpResponse:
        """Send a PATCH."""
        return self.request("PATCH", path, body, _hyphenate_headers(headers))

    def put(self, path: str, body: object, **headers: str) -> HttpResponse:
        """Send a PUT."""
        return self.request("PUT", path, body, _hyphenate_headers(headers))

    def delete(self, path: str, **headers: str) -> HttpResponse:
        """Send a DELETE."""
        return self.request("DELETE", path, headers=_hyphenate_headers(headers))


def _hyphenate_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def make_admin_api(organization: Organization) -> Api:
    """Make a client with an admin's token."""
    return Api(admin_token(organization))


def make_member_api(organization: Organization) -> Api:
    """Make a client with the token of a member who is no admin."""
    return Api(member_token(organization))


def read_body(response: HttpResponse) -> dict[str, Any]:
    """Return a response's JSON object."""
    body: dict[str, Any] = orjson.loads(response.content)
    return body


def read_error(response: HttpResponse) -> dict[str, Any]:
    """Return a response's error; assert that it has the API's error format."""
    body = read_body(response)
    assert set(body) == {"error", "meta"}, body
    assert set(body["error"]) <= {"code", "message", "details"}, body
    assert body["meta"] == {"request_id": response["X-Request-Id"]}
    error: dict[str, Any] = body["error"]
    return error

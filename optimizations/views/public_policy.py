"""Public endpoints for clients that decide themselves: the policy and the keys.

Their bodies have no `meta`: they are the same for everybody, cached, and signed.
"""

import re
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from levered_site.api import credentials, etags, rate_limits, requests, responses
from levered_site.api.openapi import describe_operations
from levered_site.errors import NotFoundError, UnauthorizedError
from levered_site.organizations import authentication, scopes
from levered_site.organizations.actors import KeyHolder
from optimizations.serving import (
    policy_document,
    policy_signature,
    snapshot_cache,
    snapshot_store,
)
from optimizations.serving.policy_document import PolicyDocument
from optimizations.serving.snapshot import NOT_FOUND_MESSAGE, Snapshot
from optimizations.views.serve_request import choose_rate_limit

SIGNATURE_HEADER = "Levered-Signature"
# A barred variant is drawn at the edge until the caches have asked again. While the
# service is away, caches may use their copy for a day.
CACHE_SECONDS, STALE_SECONDS, AWAY_SECONDS = 30, 60, 86_400
CACHE_RULES = (
    f"max-age={CACHE_SECONDS}, stale-while-revalidate={STALE_SECONDS}, "
    f"stale-if-error={AWAY_SECONDS}"
)
KEYS_CACHE_CONTROL = "public, max-age=300, stale-if-error=86400"
ACCEPTS_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")
SMALLEST_COMPRESSED = 1024
POLICY_OPERATION: dict[str, Any] = {
    "description": "Public where `public_policy` is true; else a member's token, or "
    "a key with the scope `read`, is needed. The body has no `meta`: it is the same for everybody, may be cached, and "
    f"is signed in `{SIGNATURE_HEADER}`.",
    "security": [{}, {"bearer": []}, {"api_key": []}, {"api_key_bearer": []}],
    "responses": {
        "200": {
            "description": "The policy",
            "headers": {
                "Cache-Control": {"schema": {"type": "string"}},
                SIGNATURE_HEADER: {
                    "description": 'keyid="…", alg="ed25519", sig=:base64:',
                    "schema": {"type": "string"},
                },
            },
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Policy"},
                    "x-without-meta": True,
                }
            },
        },
    },
}


@describe_operations(get=POLICY_OPERATION)
@responses.json_view("GET", "HEAD", any_origin=True)
def get_policy(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the signed policy; 304 if If-None-Match names it."""
    holder, refusal = _authenticate_key(request)
    snapshot = _load_snapshot(request, str(pk), holder, is_counted=refusal is not None)
    if snapshot is not None and policy_document.is_public(snapshot):
        document = policy_document.load_document(snapshot)
        return _build_response(request, document, is_public=True)
    if refusal is not None:
        raise refusal
    caller = holder or authentication.authenticate_caller(request)
    if isinstance(caller, KeyHolder):
        scopes.require_scope(caller, scopes.READ)
    # One answer for all: nobody learns which ids exist.
    if snapshot is None or caller is None:
        raise NotFoundError(NOT_FOUND_MESSAGE)
    if caller.organization_id != snapshot.organization_id:
        raise NotFoundError(NOT_FOUND_MESSAGE)
    document = policy_document.load_document(snapshot)
    return _build_response(request, document, is_public=False)


@responses.json_view("GET", "HEAD", any_origin=True)
def get_signing_keys(_request: HttpRequest) -> HttpResponse:
    """Return the public keys of signatures as a JWK set."""
    content = responses.to_json(policy_signature.build_key_set())
    headers = {"Cache-Control": KEYS_CACHE_CONTROL}
    return HttpResponse(content, responses.JSON_CONTENT_TYPE, headers=headers)


def _authenticate_key(
    request: HttpRequest,
) -> tuple[KeyHolder | None, UnauthorizedError | None]:
    """Return the holder of the request's API key, or why the key does not work.

    A public policy is answered in spite of that. Raises RateLimitedError for too many
    unknown keys from this address.
    """
    secret = credentials.read_key_of_caller(request)
    if secret is None:
        return None, None
    try:
        return authentication.load_key_holder(request, secret), None
    except UnauthorizedError as error:
        return None, error


def _load_snapshot(
    request: HttpRequest,
    optimization_id: str,
    holder: KeyHolder | None,
    *,
    is_counted: bool,
) -> Snapshot | None:
    """Count the request, then return the newest snapshot; None for an unknown id.

    A publishable key stands in web pages: its requests are those of visitors, each
    counted by its address. One with a wrong key `is_counted` as a guess already.
    """
    key = None if holder and scopes.TRACK in holder.scopes else holder
    group, rate, caller = choose_rate_limit(requests.get_client_network(request), key)
    usage, values = rate_limits.count_in_pipeline(
        group,
        rate_limits.UNLIMITED if is_counted else rate,
        caller,
        [snapshot_cache.build_version_key(optimization_id)],
    )
    if not is_counted:
        rate_limits.enforce_limit(request, usage)
    try:
        return snapshot_store.load_snapshot(optimization_id, values[0])
    except NotFoundError:
        return None


def _build_response(
    request: HttpRequest, document: PolicyDocument, *, is_public: bool
) -> HttpResponse:
    tag = f'"{document.digest}"'
    headers = {
        "ETag": tag,
        "Cache-Control": f"{'public' if is_public else 'private'}, {CACHE_RULES}",
        "Vary": "Accept-Encoding" if is_public else "Authorization, Accept-Encoding",
        SIGNATURE_HEADER: document.signature,
    }
    if etags.is_unchanged(request, tag):
        return HttpResponse(status=304, headers=headers)
    accepted = request.META.get("HTTP_ACCEPT_ENCODING", "")
    content = document.content
    if len(content) >= SMALLEST_COMPRESSED and ACCEPTS_GZIP.search(accepted):
        content = document.compressed
        # Weak: the same policy in other bytes.
        headers |= {"Content-Encoding": "gzip", "ETag": f"W/{tag}"}
    return HttpResponse(content, responses.JSON_CONTENT_TYPE, headers=headers)

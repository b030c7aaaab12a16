"""Read the body of a serve request: one reading for Django's view and the ASGI front."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings

from levered_site import anonymous_ids, near_names
from levered_site.api import body_limits, parsers
from levered_site.errors import InvalidParametersError
from levered_site.ids import UUID_PROBLEM, is_uuid
from levered_site.organizations.serving_keys import ServingKey
from optimizations.serving.assigning import Recording
from optimizations.serving.service import ServeRequest

LARGEST_BODY = 16 * body_limits.KB
MAX_OPTIMIZATIONS = 20
COMMON_FIELDS = frozenset({"anonymous_id", "context", "dry_run", "record"})
KNOWN_FIELDS = COMMON_FIELDS | {"optimization_id", "optimization_ids"}
MOST_UNKNOWN_FIELDS = 20  # that are compared
# Likeness from which on an unknown field is a known one misspelled, not a newer one.
MISSPELLED = 0.8


class ServeClient(NamedTuple):
    """What the headers say of a client; None where they say nothing."""

    origin: str | None = None
    is_crawler: bool = False
    key_organization_id: str | None = None


def choose_rate_limit(network: str, key: ServingKey | None) -> tuple[str, str, str]:
    """Return by what a request is counted: the group, the rate and the caller.

    A server that sends its key is counted by it; everybody else by network.
    """
    if key is not None:
        return "serve_key", settings.RATELIMIT_SERVE_KEY, key.key_id
    return "serve", settings.RATELIMIT_SERVE, network


def read_serve_request(
    raw: bytes, optimization_id: str | None, client: ServeClient
) -> ServeRequest:
    """Validate the fields of the API in a body, and ignore those unlike any.

    `optimization_id` is that of the path; None where the body names it.

    Raises BadRequestError if the body is not a JSON object, and InvalidParametersError,
    which names the field, if a value has the wrong type or a field is misspelled.
    """
    body = _parse_body(raw)
    return _build_request(body, optimization_id or _read_optimization_id(body), client)


def read_serve_requests(raw: bytes, client: ServeClient) -> list[ServeRequest]:
    """Read a body that names several optimizations: one request for each.

    Their ids may be any texts, so that a malformed one fails alone. Raises as
    `read_serve_request`.
    """
    body = _parse_body(raw)
    first_id, *other_ids = _read_optimization_ids(body)
    first = _build_request(body, first_id, client)
    return [first, *(first._replace(optimization_id=each) for each in other_ids)]


def _parse_body(raw: bytes) -> dict[str, Any]:
    body = parsers.parse_object(raw)
    if not KNOWN_FIELDS.issuperset(body):
        _refuse_misspelled_fields(body)
    return body


def _refuse_misspelled_fields(body: Mapping[str, Any]) -> None:
    """Raise InvalidParametersError for a field that a known one, which is not sent, is like.

    Ignored, `dryrun` would store an assignment that nobody wanted.
    """
    missing = COMMON_FIELDS - body.keys()
    unknown = sorted(body.keys() - KNOWN_FIELDS)[:MOST_UNKNOWN_FIELDS]
    for name in unknown:
        meant = near_names.find_near_name(name, missing, MISSPELLED)
        if meant is not None:
            raise InvalidParametersError.for_field(
                name[: near_names.MAX_NAME_LENGTH],
                f"unknown field; did you mean `{meant}`?",
            )


def _build_request(
    body: Mapping[str, Any], optimization_id: str, client: ServeClient
) -> ServeRequest:
    return ServeRequest(
        optimization_id=optimization_id,
        anonymous_id=_read_anonymous_id(body),
        context=_read_object(body, "context"),
        recording=_read_recording(body, client),
        origin=client.origin,
        key_organization_id=client.key_organization_id,
    )


def _read_optimization_id(body: Mapping[str, Any]) -> str:
    value = body.get("optimization_id")
    if not isinstance(value, str) or not is_uuid(value):
        raise InvalidParametersError.for_field("optimization_id", UUID_PROBLEM)
    return value.lower()


def _read_optimization_ids(body: Mapping[str, Any]) -> list[str]:
    values = body.get("optimization_ids")
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_OPTIMIZATIONS:
        raise InvalidParametersError.for_field(
            "optimization_ids", f"must be a list of 1 to {MAX_OPTIMIZATIONS} UUIDs"
        )
    ids = [value.lower() if isinstance(value, str) else "" for value in values]
    for index, optimization_id in enumerate(ids):
        if not optimization_id:
            raise InvalidParametersError.for_field(
                f"optimization_ids[{index}]", UUID_PROBLEM
            )
        if optimization_id in ids[:index]:
            raise InvalidParametersError.for_field(
                f"optimization_ids[{index}]", "must not be listed twice"
            )
    return ids


def _read_recording(body: Mapping[str, Any], client: ServeClient) -> Recording:
    is_dry_run = _read_flag(body, "dry_run", default=False)
    is_recorded = _read_flag(body, "record", default=True)
    if is_dry_run:
        return "public_dry_run" if client.key_organization_id is None else "dry_run"
    if not is_recorded or client.is_crawler:
        return "unrecorded"
    return "recorded"


def _read_anonymous_id(body: Mapping[str, Any]) -> str:
    value = body.get("anonymous_id")
    problem = anonymous_ids.find_anonymous_id_problem(value)
    if problem is not None:
        raise InvalidParametersError.for_field("anonymous_id", problem)
    return str(value)


def _read_object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidParametersError.for_field(name, "must be an object")
    return value


def _read_flag(body: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise InvalidParametersError.for_field(name, "must be true or false")
    return value

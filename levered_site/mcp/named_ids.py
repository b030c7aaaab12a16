"""Ids that agents send by name: the error says whose id the name is."""

from dataclasses import dataclass

from levered_site.errors import InvalidParametersError
from levered_site.ids import UUID_PROBLEM, is_uuid
from levered_site.mcp.rest_api import Api
from levered_site.near_names import find_near_name

MAX_ROWS = 100  # the newest, in which a name is looked for


@dataclass(frozen=True, slots=True)
class NamedList:
    """A list of the API whose rows have an id and a name."""

    path: str
    key: str


OPTIMIZATIONS = NamedList("/optimizations", "optimizations")
METRICS = NamedList("/warehouse/metrics", "metrics")
SOURCES = NamedList("/warehouse/assignment-sources", "assignment_sources")


def require_id(api: Api, named: NamedList, text: str) -> str:
    """Return an id as the API writes it.

    Raises InvalidParametersError for what is no id; for the name of an object, or one
    almost like it, the message has the id.
    """
    if is_uuid(text):
        return text.lower()
    rows = api.get(named.path, limit=MAX_ROWS)[named.key]
    ids = {row["name"]: row["id"] for row in rows}
    name = find_near_name(text, ids)
    message = UUID_PROBLEM
    if name is not None:
        message = f'must be an id, not a name; that of "{name}" is {ids[name]}'
    raise InvalidParametersError.for_field("id", message)

"""Who may use each operation: the whole matrix, written out operation by operation.

An operation that is missing here fails tests/test_authorization.py. Paths are written
without the names of their parameters.
"""

from collections.abc import Mapping
from typing import Final

from tests.support.routes import Route

SCOPES: Final = ("ingest", "serve", "read", "write", "track")
INVALID_CALLERS: Final = ("nobody", "revoked key", "expired key", "unknown key")
CALLERS: Final = (
    *INVALID_CALLERS,
    *("member", "admin"),
    *(f"key with {scope}" for scope in SCOPES),
)
ADMINS: Final = frozenset({"admin"})
MEMBERS: Final = frozenset({"member", "admin", "key with write"})
READERS: Final = MEMBERS | {"key with read"}

OPERATIONS: Final[Mapping[frozenset[str], tuple[str, ...]]] = {
    frozenset(CALLERS): (
        "GET /api/v2/docs",
        "GET /api/v2/docs/start.js",
        "GET /api/v2/schema",
        "GET /healthz",
        "GET /readyz",
    ),
    # Public, but a key that is sent must be good for it.
    frozenset({"nobody", "member", "admin", "key with serve"}): (
        "POST /api/v2/optimizations/best-variant",
        "POST /api/v2/optimizations/best-variants",
        "POST /api/v2/optimizations/{}/serve",
    ),
    # Some policies are public.
    READERS | {"nobody"}: ("GET /api/v2/optimizations/{}/policy",),
    frozenset({"key with track"}): ("POST /api/v2/track",),
    frozenset({"key with ingest"}): (
        "POST /api/v2/ingest/exposures",
        "POST /api/v2/ingest/rewards",
    ),
    # Sent by programs that decide themselves.
    frozenset({"key with serve"}): ("POST /api/v2/optimizations/{}/decisions",),
    MEMBERS | {f"key with {scope}" for scope in SCOPES}: ("GET /api/v2/me",),
    READERS: (
        "GET /api/v2/api-keys",
        "GET /api/v2/api-keys/{}",
        "GET /api/v2/models",
        "GET /api/v2/models/{}",
        "GET /api/v2/models/{}/policy",
        "GET /api/v2/models/{}/state",
        "GET /api/v2/models/{}/training-runs",
        "GET /api/v2/models/{}/training-runs/{}",
        "GET /api/v2/models/{}/versions",
        "GET /api/v2/optimizations",
        "GET /api/v2/optimizations/{}",
        "GET /api/v2/optimizations/{}/candidate",
        "GET /api/v2/optimizations/{}/decisions/{}",
        "GET /api/v2/optimizations/{}/guardrails",
        "GET /api/v2/optimizations/{}/holdout-daily",
        "GET /api/v2/optimizations/{}/lift-curve",
        "GET /api/v2/optimizations/{}/lift-history",
        "GET /api/v2/optimizations/{}/notes",
        "GET /api/v2/optimizations/{}/notes/{}",
        "GET /api/v2/optimizations/{}/observations",
        "GET /api/v2/optimizations/{}/outcome-mix",
        "GET /api/v2/optimizations/{}/progress",
        "GET /api/v2/optimizations/{}/report-data",
        "GET /api/v2/optimizations/{}/results",
        "GET /api/v2/optimizations/{}/share-links",
        "GET /api/v2/optimizations/{}/variants",
        "GET /api/v2/optimizations/{}/variants/by-number/{}/screenshot",
        "GET /api/v2/warehouse/assignment-sources",
        "GET /api/v2/warehouse/assignment-sources/{}",
        "GET /api/v2/warehouse/connections",
        "GET /api/v2/warehouse/metrics",
        "GET /api/v2/warehouse/metrics/{}",
        "GET /api/v2/warehouse/tables",
        "GET /api/v2/warehouse/tables/{}/columns",
    ),
    MEMBERS: (
        "POST /api/v2/models/{}/train",
        "POST /api/v2/models/{}/training-runs/{}/cancel",
        "POST /api/v2/optimizations",
        "PATCH /api/v2/optimizations/{}",
        "PUT /api/v2/optimizations/{}/candidate",
        "POST /api/v2/optimizations/{}/evaluate",
        "POST /api/v2/optimizations/{}/notes",
        "PATCH /api/v2/optimizations/{}/notes/{}",
        "DELETE /api/v2/optimizations/{}/notes/{}",
        "POST /api/v2/optimizations/{}/share-links",
        "DELETE /api/v2/optimizations/{}/share-links/{}",
        "PATCH /api/v2/optimizations/{}/variants/{}",
        "PUT /api/v2/optimizations/{}/variants/by-number/{}/screenshot",
        "POST /api/v2/warehouse/assignment-sources",
        "PATCH /api/v2/warehouse/assignment-sources/{}",
        "POST /api/v2/warehouse/assignment-sources/{}/preview",
        "POST /api/v2/warehouse/assignment-sources/preview",
        "POST /api/v2/warehouse/connections/test",
        "POST /api/v2/warehouse/metrics",
        "PATCH /api/v2/warehouse/metrics/{}",
        "POST /api/v2/warehouse/metrics/{}/preview",
        "POST /api/v2/warehouse/preview",
        "POST /api/v2/warehouse/query",
    ),
    ADMINS: (
        "GET /api/v2/audit",
        "POST /api/v2/api-keys",
        "PATCH /api/v2/api-keys/{}",
        "DELETE /api/v2/api-keys/{}",
        "POST /api/v2/api-keys/{}/rotate",
        "DELETE /api/v2/models/{}",
        "DELETE /api/v2/optimizations/{}",
        "POST /api/v2/optimizations/{}/archive",
        "DELETE /api/v2/optimizations/{}/candidate",
        "POST /api/v2/optimizations/{}/candidate/promote",
        "POST /api/v2/optimizations/{}/ship",
        "POST /api/v2/optimizations/{}/stop",
        "POST /api/v2/optimizations/{}/unarchive",
        "DELETE /api/v2/warehouse/assignment-sources/{}",
        "POST /api/v2/warehouse/connections",
        "DELETE /api/v2/warehouse/connections",
        "DELETE /api/v2/warehouse/metrics/{}",
        "DELETE /api/v2/warehouse/users/{}",
    ),
}
CALLERS_LET_IN: Final = {
    operation: callers
    for callers, operations in OPERATIONS.items()
    for operation in operations
}


def list_callers_let_in(route: Route) -> frozenset[str]:
    """Return who may use a route; nobody may use one that is not listed."""
    return CALLERS_LET_IN.get(route.operation, frozenset())


def is_admin_only(route: Route) -> bool:
    """Return whether the API allows the route to admins only."""
    return list_callers_let_in(route) == ADMINS

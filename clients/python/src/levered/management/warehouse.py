"""Warehouse: the connection, tables and queries; metrics and assignment sources."""

from collections.abc import Iterator
from typing import Any, Unpack, cast

from levered import schemas
from levered.management.api import Api
from levered.management.calls import build_path

WAREHOUSE = "warehouse"


class Warehouse:
    """`/warehouse`. All raise ApiError and NetworkError."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def connection(self) -> schemas.UsedConnection:
        """Return the connection in use, never its credentials."""
        found = self._api.get(build_path(WAREHOUSE, "connections"))
        return cast("schemas.UsedConnection", found["connection"])

    def connect(
        self, **fields: Unpack[schemas.NewConnectionRequest]
    ) -> schemas.SavedConnection:
        """Connect a warehouse, which is tested before."""
        path = build_path(WAREHOUSE, "connections")
        return cast("schemas.SavedConnection", self._api.post(path, fields))

    def disconnect(self) -> None:
        """Go back to the managed warehouse."""
        self._api.delete(build_path(WAREHOUSE, "connections"))

    def test(self) -> schemas.ConnectionTestResult:
        """Return whether the warehouse answers."""
        found = self._api.post(build_path(WAREHOUSE, "connections", "test"))
        return cast("schemas.ConnectionTestResult", found)

    def tables(self, search: str | None = None) -> schemas.TableList:
        """Return the tables there are."""
        found = self._api.get(build_path(WAREHOUSE, "tables"), search=search)
        return cast("schemas.TableList", found)

    def columns(self, table: str) -> schemas.ColumnList:
        """Return the columns of a table."""
        found = self._api.get(build_path(WAREHOUSE, "tables", table, "columns"))
        return cast("schemas.ColumnList", found)

    def query(self, sql: str, *, limit: int = 100) -> schemas.QueryRows:
        """Run one SELECT; return at most `limit` rows."""
        body = {"sql": sql, "limit": limit}
        found = self._api.post(build_path(WAREHOUSE, "query"), body)
        return cast("schemas.QueryRows", found)

    def preview(
        self, **fields: Unpack[schemas.PreviewRequest]
    ) -> schemas.MetricPreview:
        """Run a metric that is not saved, with warnings."""
        found = self._api.post(build_path(WAREHOUSE, "preview"), fields)
        return cast("schemas.MetricPreview", found)

    def erase_user(self, anonymous_id: str) -> dict[str, Any]:
        """Erase a person: events, assignments and receipts."""
        erased = self._api.delete(build_path(WAREHOUSE, "users", anonymous_id))
        return cast("dict[str, Any]", erased)


class Metrics:
    """`/warehouse/metrics`. All raise ApiError and NetworkError."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self) -> Iterator[schemas.Metric]:
        """Yield all, page after page, newest first."""
        return self._api.iterate(build_path(WAREHOUSE, "metrics"), "metrics")

    def get(self, metric_id: object) -> schemas.Metric:
        """Return one."""
        found = self._api.get(build_path(WAREHOUSE, "metrics", metric_id))
        return cast("schemas.Metric", found)

    def create(self, **fields: Unpack[schemas.MetricRequest]) -> schemas.SavedMetric:
        """Create one; its SQL is checked and run for a row."""
        created = self._api.post(build_path(WAREHOUSE, "metrics"), fields)
        return cast("schemas.SavedMetric", created)

    def update(
        self, metric_id: object, **fields: Unpack[schemas.PatchedMetricRequest]
    ) -> schemas.SavedMetric:
        """Change fields."""
        changed = self._api.patch(build_path(WAREHOUSE, "metrics", metric_id), fields)
        return cast("schemas.SavedMetric", changed)

    def preview(self, metric_id: object, *, limit: int = 20) -> schemas.MetricPreview:
        """Return rows of a metric, with warnings."""
        path = build_path(WAREHOUSE, "metrics", metric_id, "preview")
        return cast("schemas.MetricPreview", self._api.post(path, {"limit": limit}))

    def delete(self, metric_id: object) -> None:
        """Delete a metric that nothing uses."""
        self._api.delete(build_path(WAREHOUSE, "metrics", metric_id))

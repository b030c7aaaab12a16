"""Warehouse: the connection, tables and queries; metrics and assignment sources.

Written by generate.py; do not change it by hand.
"""

from collections.abc import AsyncIterator
from typing import Any, Unpack, cast

from levered import schemas
from levered.management.api import AsyncApi
from levered.management.calls import build_path

WAREHOUSE = "warehouse"


class AsyncWarehouse:
    """`/warehouse`. All raise ApiError and NetworkError."""

    def __init__(self, api: AsyncApi) -> None:
        self._api = api

    async def connection(self) -> schemas.UsedConnection:
        """Return the connection in use, never its credentials."""
        found = await self._api.get(build_path(WAREHOUSE, "connections"))
        return cast("schemas.UsedConnection", found["connection"])

    async def connect(
        self, **fields: Unpack[schemas.NewConnectionRequest]
    ) -> schemas.SavedConnection:
        """Connect a warehouse, which is tested before."""
        path = build_path(WAREHOUSE, "connections")
        return cast("schemas.SavedConnection", await self._api.post(path, fields))

    async def disconnect(self) -> None:
        """Go back to the managed warehouse."""
        await self._api.delete(build_path(WAREHOUSE, "connections"))

    async def test(self) -> schemas.ConnectionTestResult:
        """Return whether the warehouse answers."""
        found = await self._api.post(build_path(WAREHOUSE, "connections", "test"))
        return cast("schemas.ConnectionTestResult", found)

    async def tables(self, search: str | None = None) -> schemas.TableList:
        """Return the tables there are."""
        found = await self._api.get(build_path(WAREHOUSE, "tables"), search=search)
        return cast("schemas.TableList", found)

    async def columns(self, table: str) -> schemas.ColumnList:
        """Return the columns of a table."""
        found = await self._api.get(build_path(WAREHOUSE, "tables", table, "columns"))
        return cast("schemas.ColumnList", found)

    async def query(self, sql: str, *, limit: int = 100) -> schemas.QueryRows:
        """Run one SELECT; return at most `limit` rows."""
        body = {"sql": sql, "limit": limit}
        found = await self._api.post(build_path(WAREHOUSE, "query"), body)
        return cast("schemas.QueryRows", found)

    async def preview(
        self, **fields: Unpack[schemas.PreviewRequest]
    ) -> schemas.MetricPreview:
        """Run a metric that is not saved, with warnings."""
        found = await self._api.post(build_path(WAREHOUSE, "preview"), fields)
        return cast("schemas.MetricPreview", found)

    async def erase_user(self, anonymous_id: str) -> dict[str, Any]:
        """Erase a person: events, assignments and receipts."""
        erased = await self._api.delete(build_path(WAREHOUSE, "users", anonymous_id))
        return cast("dict[str, Any]", erased)


class AsyncMetrics:
    """`/warehouse/metrics`. All raise ApiError and NetworkError."""

    def __init__(self, api: AsyncApi) -> None:
        self._api = api

    def list(self) -> AsyncIterator[schemas.Metric]:
        """Yield all, page after page, newest first."""
        return self._api.iterate(build_path(WAREHOUSE, "metrics"), "metrics")

    async def get(self, metric_id: object) -> schemas.Metric:
        """Return one."""
        found = await self._api.get(build_path(WAREHOUSE, "metrics", metric_id))
        return cast("schemas.Metric", found)

    async def create(
        self, **fields: Unpack[schemas.MetricRequest]
    ) -> schemas.SavedMetric:
        """Create one; its SQL is checked and run for a row."""
        created = await self._api.post(build_path(WAREHOUSE, "metrics"), fields)
        return cast("schemas.SavedMetric", created)

    async def update(
        self, metric_id: object, **fields: Unpack[schemas.PatchedMetricRequest]
    ) -> schemas.SavedMetric:
        """Change fields."""
        changed = await self._api.patch(
            build_path(WAREHOUSE, "metrics", metric_id), fields
        )
        return cast("schemas.SavedMetric", changed)

    async def preview(
        self, metric_id: object, *, limit: int = 20
    ) -> schemas.MetricPreview:
        """Return rows of a metric, with warnings."""
        path = build_path(WAREHOUSE, "metrics", metric_id, "preview")
        return cast(
            "schemas.MetricPreview", await self._api.post(path, {"limit": limit})
        )

    async def delete(self, metric_id: object) -> None:
        """Delete a metric that nothing uses."""
        await self._api.delete(build_path(WAREHOUSE, "metrics", metric_id))

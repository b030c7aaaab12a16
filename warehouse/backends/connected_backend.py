"""The base of customers' own warehouses: a backend with assignment sources."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from warehouse.backends import query_checks, query_validation, recursion_failures
from warehouse.backends.base import Backend
from warehouse.backends.query_results import SourceFacts, SourcePreview
from warehouse.sql.shapes import CheckedSource

MAX_CELLS = 2_000_000  # rows of a cube's statement


class ConnectedBackend(Backend):
    """A backend that reads exposures through assignment sources."""

    __slots__ = ()

    @abstractmethod
    def _fetch_source_facts(
        self, source: CheckedSource, since: datetime
    ) -> SourceFacts:
        """Count over all rows of an assignment source since then."""

    @override
    def validate_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        with query_validation.translate_refusals():
            source = query_checks.check_source_query(
                sql,
                mapping,
                self.dialect,
                schema=self.schema,
                database=self.database,
            )
        return self._spell_columns(source)

    @override
    def validate_and_run_source(
        self, sql: str, mapping: Mapping[str, str | None]
    ) -> CheckedSource:
        return self._require_readable_columns(self.validate_source(sql, mapping))

    @override
    def preview_source(
        self, source: CheckedSource, since: datetime, limit: int
    ) -> SourcePreview:
        result, zoneless = self._fetch_sample(source.query, limit, since)
        with recursion_failures.name_recursions(source.query):
            facts = self._fetch_source_facts(source, since)
        is_zoneless = facts.zoneless or source.timestamp in zoneless
        return SourcePreview(result, replace(facts, zoneless=is_zoneless))

"""Google's own engine for BigQuery's SQL (PyPI `zetasql`): it types a text and runs it."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2
from zetasql.wasi._pb2.zetasql.proto.simple_catalog_pb2 import SimpleCatalogProto
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public_options_pb2, type_pb2

from benchmarks.acceptance.zetasql_client import build_client

SERVICE = "ZetaSqlLocalService_"
# Columns of a wildcard table that `SELECT *` leaves out.
PSEUDO_COLUMNS = frozenset({"_TABLE_SUFFIX"})


@dataclass(frozen=True, slots=True)
class Result:
    """A result's columns with their types, and its rows, in the engine's own notation."""

    columns: tuple[str, ...]
    rows: tuple[str, ...]


class Engine:
    """Tables of one dataset, filled by queries, and statements that read them.

    The engine holds rows for tables of one name alone, so that `ds.t` is read as the
    table `ds.t`: give it an alias where a column names its table.
    The first engine on a machine takes some 20 s to compile.
    """

    def __init__(self, dataset: str, start_date: datetime) -> None:
        self._client = build_client()
        self._dataset = dataset
        self._catalog = SimpleCatalogProto(name="project")
        self._content: dict[str, Any] = {}
        self._language = self._build_language()
        functions = self._catalog.builtin_function_options
        functions.language_options.CopyFrom(self._language)
        self._start_date = start_date

    def add_table(self, name: str, query: str) -> None:
        """Add a table that holds the rows of a query."""
        response = self._evaluate(query)
        table = self._catalog.table.add(name=f"{self._dataset}.{name}")
        for column in response.prepared.columns:
            column.is_pseudo_column = column.name in PSEUDO_COLUMNS
            table.column.append(column)
        self._content[table.name] = response.content

    def run(self, sql: str) -> Result:
        """Return the rows of a statement in their order; raises the engine's ServerError."""
        response = self._evaluate(sql)
        return Result(
            tuple(str(column) for column in response.prepared.columns),
            tuple(str(row) for row in response.content.table_data.row),
        )

    def list_tables(self, sql: str) -> set[str]:
        """Return the names of the tables that a statement reads, as the engine parses it."""
        request = service.ExtractTableNamesFromStatementRequest(
            sql_statement=sql, options=self._language
        )
        response = self._call(
            "ExtractTableNamesFromStatement",
            request,
            service.ExtractTableNamesFromStatementResponse,
        )
        return {".".join(name.table_name_segment) for name in response.table_name}

    def _evaluate(self, sql: str) -> Any:
        dataset = re.escape(self._dataset)
        request = service.EvaluateQueryRequest(
            sql=re.sub(
                rf"`?\b{dataset}`?\.`?([\w*]+)`?", rf"`{self._dataset}.\1`", sql
            ),
            options=self._build_options(),
            simple_catalog=self._catalog,
            table_content=self._content,
        )
        if "@start_date" in sql:
            parameter = request.params.add(name="start_date")
            parameter.value.timestamp_value.FromDatetime(self._start_date)
        return self._call("EvaluateQuery", request, service.EvaluateQueryResponse)

    def _build_language(self) -> Any:
        request = service.LanguageOptionsRequest(maximum_features=True)
        language = self._call(
            "GetLanguageOptions", request, options_pb2.LanguageOptionsProto
        )
        language.product_mode = public_options_pb2.PRODUCT_EXTERNAL
        language.reserved_keywords.append("QUALIFY")
        return language

    def _build_options(self) -> Any:
        options = options_pb2.AnalyzerOptionsProto(
            language_options=self._language, default_timezone="UTC"
        )
        parameter = options.query_parameters.add(name="start_date")
        parameter.type.type_kind = type_pb2.TYPE_TIMESTAMP
        return options

    def _call(self, function: str, request: Any, response: type) -> Any:
        return self._client.call_grpc_func(f"{SERVICE}{function}", request, response)

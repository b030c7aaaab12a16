"""Warehouses' own parsers, which tell broken text from text that only we refuse."""

from collections.abc import Callable
from functools import cache

from zetasql.core import ZetaSQLError
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2

from benchmarks.acceptance.zetasql_client import build_client

IsReadable = Callable[[str], bool]


def get_parser(dialect: str) -> IsReadable | None:
    """Return a function that tells whether the warehouse can read a text, if we have one."""
    return _build_bigquery_parser() if dialect == "bigquery" else None


@cache
def _build_bigquery_parser() -> IsReadable:
    client = build_client()
    language = client.call_grpc_func(
        "ZetaSqlLocalService_GetLanguageOptions",
        service.LanguageOptionsRequest(maximum_features=True),
        options_pb2.LanguageOptionsProto,
    )
    language.reserved_keywords.append("QUALIFY")

    def is_readable(sql: str) -> bool:
        request = service.ParseRequest(sql_statement=sql, options=language)
        try:
            client.call_grpc_func(
                "ZetaSqlLocalService_Parse", request, service.ParseResponse
            )
        except ZetaSQLError:
            return False
        return True

    return is_readable

"""What a customer's query may use on Snowflake and BigQuery beyond the allow-list."""

from sqlglot import exp

from warehouse.sql.customer import allowlist

SHARED_NODES: frozenset[type[exp.Expr]] = allowlist.NODES | {
    exp.AnyValue, exp.ApproxDistinct, exp.Bracket, exp.CountIf, exp.DateAdd,
    exp.DateDiff, exp.EndsWith, exp.JSONFormat, exp.ParseJSON, exp.Qualify,
    exp.RegexpExtract, exp.TryCast, exp.TsOrDsToDate, exp.Contains, exp.LastDay,
    exp.DateFromParts, exp.TimestampAdd, exp.TimestampSub, exp.TimestampDiff,
    exp.DateSub,
}  # fmt: skip

SNOWFLAKE_NODES: frozenset[type[exp.Expr]] = SHARED_NODES - {exp.Parameter} | {
    exp.ArgMax, exp.ArgMin, exp.ConvertTimezone, exp.DayOfWeek, exp.EqualNull,
    exp.GetExtract, exp.Hour, exp.Median, exp.Month, exp.Placeholder, exp.SHA2,
    exp.ToBoolean, exp.ToChar, exp.ToDouble, exp.ToNumber, exp.Typeof, exp.Year,
}  # fmt: skip
SNOWFLAKE_FUNCTIONS = frozenset(
    {
        "to_timestamp", "to_timestamp_ltz", "to_timestamp_ntz", "to_timestamp_tz",
        "try_to_timestamp", "try_to_timestamp_ltz", "try_to_timestamp_ntz",
        "try_to_timestamp_tz",
    }
)  # fmt: skip
SNOWFLAKE_TYPES = allowlist.TYPES | {
    exp.DType.DATETIME, exp.DType.TIMESTAMPLTZ, exp.DType.TIMESTAMPNTZ,
    exp.DType.VARIANT,
}  # fmt: skip
# The account's system database, and system schemas in any database.
SNOWFLAKE_SYSTEM_SCHEMAS = frozenset(
    {
        "information_schema", "snowflake", "account_usage", "organization_usage",
        "reader_account_usage", "data_sharing_usage",
    }
)  # fmt: skip

# Reading a sequence advances it.
SNOWFLAKE_FORBIDDEN_NAMES = frozenset({"nextval"})

BIGQUERY_NODES: frozenset[type[exp.Expr]] = SHARED_NODES | {
    exp.SHA2Digest, exp.SafeDivide, exp.SafeFunc, exp.Split, exp.Timestamp,
    exp.TsOrDsToDatetime, exp.TsOrDsToTimestamp, exp.UnixMicros, exp.Unnest, exp.Hex,
    exp.LowerHex, exp.MD5Digest,
}  # fmt: skip
BIGQUERY_FUNCTIONS: frozenset[str] = frozenset()
BIGQUERY_TYPES = allowlist.TYPES | {
    exp.DType.BIGDECIMAL, exp.DType.DATETIME, exp.DType.TIME,
}  # fmt: skip

# Word characters and an optional wildcard at the end. This excludes metadata (__TABLES__,
# INFORMATION_SCHEMA.x), decorators (@ is time travel, $ a partition) and a project before
# a colon.
BIGQUERY_TABLE_NAMES = r"(?!__)[\w -]+\*?"

TABLE_CLAUSES = allowlist.TABLE_CLAUSES | {"catalog"}
SELECT_CLAUSES = allowlist.SELECT_CLAUSES | {"qualify"}


def is_snowflake_system(schema: str) -> bool:
    """Return whether a schema or database (in lower case) is Snowflake's own."""
    return schema in SNOWFLAKE_SYSTEM_SCHEMAS


def is_bigquery_system(dataset: str) -> bool:
    """Return whether a dataset or project (in lower case) is BigQuery's own or hidden.

    Metadata is reachable through INFORMATION_SCHEMA, also of a region, and wildcards.
    """
    return (
        "information_schema" in dataset
        or "*" in dataset
        or ":" in dataset
        or dataset.startswith(("region-", "_"))
    )

"""What a customer's query may use on Snowflake and BigQuery, and on BigQuery alone."""

from sqlglot import exp

from warehouse.sql.customer import allowlist

SHARED_NODES: frozenset[type[exp.Expr]] = allowlist.NODES | {
    exp.AnyValue, exp.ApproxDistinct, exp.Bracket, exp.CountIf, exp.DateAdd,
    exp.DateDiff, exp.EndsWith, exp.JSONFormat, exp.ParseJSON, exp.Qualify,
    exp.RegexpExtract, exp.TryCast, exp.TsOrDsToDate, exp.Contains, exp.LastDay,
    exp.DateFromParts, exp.TimestampAdd, exp.TimestampSub, exp.TimestampDiff,
    exp.DateSub,
    exp.ApproxTopK, exp.ArgMax, exp.ArgMin, exp.ArrayConcat, exp.ArrayReverse,
    exp.CurrentTime, exp.DayOfYear, exp.IgnoreNulls, exp.IsInf, exp.IsNan,
    exp.JSONKeyValue, exp.JSONObject, exp.Pivot, exp.PivotAlias, exp.PropertyEQ,
    exp.RegexpExtractAll, exp.RespectNulls, exp.Split, exp.Struct, exp.ToBase64,
    exp.TsOrDsToTime,
}  # fmt: skip

BIGQUERY_NODES: frozenset[type[exp.Expr]] = SHARED_NODES | {
    exp.SHA2Digest, exp.SafeDivide, exp.SafeFunc, exp.Split, exp.Timestamp,
    exp.TsOrDsToDatetime, exp.TsOrDsToTimestamp, exp.UnixMicros, exp.Unnest, exp.Hex,
    exp.LowerHex, exp.MD5Digest,
    exp.ApproxQuantiles, exp.ByteLength, exp.CurrentDatetime, exp.DateFromUnixDate,
    exp.Datetime, exp.DatetimeAdd, exp.DatetimeDiff, exp.DatetimeSub,
    exp.DatetimeTrunc, exp.FarmFingerprint, exp.Float64, exp.Format, exp.FromBase64,
    exp.GenerateDateArray, exp.GenerateSeries, exp.HavingMax, exp.Int64, exp.JSONArray,
    exp.JSONBool, exp.JSONExtractArray, exp.JSONKeysAtDepth, exp.JSONSet,
    exp.JSONStripNulls, exp.JSONType, exp.JSONValueArray, exp.LaxBool, exp.LaxFloat64,
    exp.LaxInt64, exp.LaxString, exp.Normalize, exp.ParseDatetime, exp.RangeBucket,
    exp.SHA1Digest, exp.SafeAdd, exp.SafeMultiply, exp.SafeNegate, exp.SafeSubtract,
    exp.String, exp.UnixDate, exp.UnixMillis, exp.UnixSeconds, exp.WeekStart,
}  # fmt: skip
BIGQUERY_FUNCTIONS: frozenset[str] = frozenset({"ieee_divide"})
BIGQUERY_TYPES = allowlist.TYPES | {
    exp.DType.BIGDECIMAL, exp.DType.DATETIME, exp.DType.TIME,
}  # fmt: skip

# Word characters and an optional wildcard at the end. This excludes metadata (__TABLES__,
# INFORMATION_SCHEMA.x), decorators (@ is time travel, $ a partition) and a project before
# a colon.
BIGQUERY_TABLE_NAMES = r"(?!__)[\w -]+\*?"

TABLE_CLAUSES = allowlist.TABLE_CLAUSES | {"pivots"}
SELECT_CLAUSES = allowlist.SELECT_CLAUSES | {"qualify"}


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

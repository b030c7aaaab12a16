"""What a customer's query may use on Snowflake and BigQuery, and on BigQuery alone."""

from sqlglot import exp

from warehouse.sql.customer.allowlists import allowlist

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
    # numbers and bits
    exp.Acos, exp.Acosh, exp.Asin, exp.Asinh, exp.Atan, exp.Atan2, exp.Atanh,
    exp.BitwiseAndAgg, exp.BitwiseCount, exp.BitwiseOrAgg, exp.BitwiseXorAgg, exp.Cos,
    exp.Cosh, exp.Cot, exp.Coth, exp.Csc, exp.Csch, exp.HexString, exp.ParseBignumeric, exp.ParseNumeric,
    exp.Sec, exp.Sech, exp.Sin, exp.Sinh, exp.Tan, exp.Tanh,
    # text and bytes
    exp.ByteString, exp.CodePointsToBytes, exp.CodePointsToString, exp.FromBase32,
    exp.Host, exp.Levenshtein, exp.NetFunc, exp.RegDomain, exp.RegexpInstr, exp.Repeat,
    exp.SafeConvertBytesToString, exp.Soundex, exp.ToBase32, exp.ToCodePoints,
    exp.Unhex, exp.Unicode,
    # times
    exp.GenerateTimestampArray, exp.JustifyDays, exp.JustifyHours, exp.JustifyInterval,
    exp.MakeInterval, exp.ParseTime, exp.Time, exp.TimeAdd, exp.TimeDiff,
    exp.TimeFromParts, exp.TimeSub, exp.TimeTrunc,
    # arrays, structs, JSON, sets of rows
    exp.ApproxTopSum, exp.ArrayConcatAgg, exp.StDistance, exp.ArrayFirst, exp.ArrayLast,
    exp.ArraySlice, exp.ColumnDef, exp.JSONArrayAppend, exp.JSONArrayInsert,
    exp.JSONRemove,
}  # fmt: skip
# BigQuery's own functions alone: another name could mean a function of the dataset.
BIGQUERY_FUNCTIONS: frozenset[str] = frozenset(
    {"date_bucket", "datetime_bucket", "ieee_divide", "timestamp_bucket"}
)
# Geography, but ST_REGIONSTATS, which reads images elsewhere.
GEOGRAPHY_FUNCTIONS = frozenset(
    {
        "st_angle", "st_area", "st_asbinary", "st_asgeojson", "st_astext", "st_azimuth",
        "st_boundary", "st_boundingbox", "st_buffer", "st_bufferwithtolerance",
        "st_centroid", "st_centroid_agg", "st_closestpoint", "st_clusterdbscan",
        "st_contains", "st_convexhull", "st_coveredby", "st_covers", "st_difference",
        "st_dimension", "st_disjoint", "st_distance", "st_dump", "st_dwithin",
        "st_endpoint", "st_equals", "st_extent", "st_exteriorring", "st_geogfrom",
        "st_geogfromgeojson", "st_geogfromtext", "st_geogfromwkb", "st_geogpoint",
        "st_geogpointfromgeohash", "st_geohash", "st_geometrytype",
        "st_hausdorffdistance", "st_hausdorffdwithin", "st_interiorrings",
        "st_intersection", "st_intersects", "st_intersectsbox", "st_isclosed",
        "st_iscollection", "st_isempty", "st_isring", "st_length",
        "st_lineinterpolatepoint", "st_linelocatepoint", "st_linesubstring",
        "st_makeline", "st_makepolygon", "st_makepolygonoriented", "st_maxdistance",
        "st_npoints", "st_numgeometries", "st_numpoints", "st_perimeter", "st_pointn",
        "st_simplify", "st_snaptogrid", "st_startpoint", "st_touches", "st_union",
        "st_union_agg", "st_within", "st_x", "st_y",
    }
)  # fmt: skip
# After `NET.` alone: without it the name could mean a customer's own function.
NET_NODES = (exp.Host, exp.RegDomain)
NET_FUNCTIONS = frozenset(
    {
        "ip_from_string", "ip_net_mask", "ip_to_string", "ip_trunc", "ipv4_from_int64",
        "ipv4_to_int64", "public_suffix", "safe_ip_from_string",
    }
)  # fmt: skip
BIGQUERY_TYPES = allowlist.TYPES - {exp.DType.JSONB} | {
    exp.DType.ARRAY, exp.DType.BIGDECIMAL, exp.DType.BINARY, exp.DType.DATETIME,
    exp.DType.STRUCT, exp.DType.TIME,
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

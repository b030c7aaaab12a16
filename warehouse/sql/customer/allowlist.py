"""Syntax nodes, functions and types that a customer's query may use; all else is refused."""

from sqlglot import exp

NODES: frozenset[type[exp.Expr]] = frozenset(
    {
        # shape of a query
        exp.Select, exp.Union, exp.Intersect, exp.Except, exp.Subquery, exp.With,
        exp.CTE, exp.From, exp.Join, exp.Where, exp.Group, exp.Rollup, exp.Cube,
        exp.GroupingSets, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset,
        exp.Fetch, exp.LimitOptions, exp.Distinct, exp.Table, exp.TableAlias, exp.Alias,
        exp.Column, exp.Identifier, exp.Star, exp.Window, exp.WindowSpec, exp.Filter,
        exp.WithinGroup, exp.Tuple, exp.Paren, exp.Parameter,
        # values
        exp.Literal, exp.RawString, exp.Boolean, exp.Null, exp.Interval, exp.Var,
        exp.DataType, exp.DataTypeParam, exp.Cast, exp.IntervalSpan,
        # operators
        exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE,
        exp.NullSafeEQ, exp.NullSafeNEQ, exp.Is, exp.In, exp.Between, exp.Like,
        exp.ILike, exp.SimilarTo, exp.RegexpLike, exp.RegexpILike, exp.Escape, exp.Add,
        exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.DPipe, exp.AtTimeZone, exp.Any,
        exp.All, exp.Exists, exp.Case, exp.If, exp.Collate,
        # JSON
        exp.JSONExtract, exp.JSONExtractScalar, exp.JSONPath, exp.JSONPathRoot,
        exp.JSONPathKey, exp.JSONPathSubscript, exp.JSONBContains,
        exp.ArrayContainsAll, exp.JSONBExtract, exp.JSONBExtractScalar,
        exp.JSONBContainsTopKey, exp.Array,
        # functions that sqlglot knows
        exp.Abs, exp.Avg, exp.Ceil, exp.Coalesce, exp.Concat, exp.ConcatWs, exp.Count,
        exp.CurrentDate, exp.CurrentTimestamp, exp.DateTrunc, exp.TimestampTrunc,
        exp.DenseRank, exp.Exp, exp.Extract, exp.FirstValue, exp.Floor, exp.Greatest,
        exp.GroupConcat, exp.Lag, exp.LastValue, exp.Lead, exp.Least, exp.Left,
        exp.Length, exp.Ln, exp.Log, exp.LogicalAnd, exp.LogicalOr, exp.Lower, exp.MD5,
        exp.Max, exp.Min, exp.Nullif, exp.NthValue, exp.Ntile, exp.PercentileCont,
        exp.PercentileDisc, exp.Pow, exp.Rank, exp.RegexpReplace, exp.Replace,
        exp.Right, exp.Round, exp.RowNumber, exp.Sign, exp.SplitPart, exp.Sqrt,
        exp.StartsWith, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.StrPosition,
        exp.StrToDate, exp.StrToTime, exp.Substring, exp.Sum, exp.TimeToStr, exp.Trim,
        exp.Trunc, exp.UnixToTime, exp.Upper, exp.Variance, exp.VariancePop,
        exp.PercentRank, exp.CumeDist, exp.Mode, exp.Initcap, exp.Reverse, exp.Date,
        # arrays, and rows made of literals or of a column of the row beside
        exp.ArrayAgg, exp.ArraySize, exp.ArrayToString, exp.Bracket, exp.Lateral,
        exp.Unnest, exp.Values,
        # more functions of all three dialects
        exp.Ascii, exp.BitwiseAnd, exp.BitwiseLeftShift, exp.BitwiseNot, exp.BitwiseOr,
        exp.BitwiseRightShift, exp.BitwiseXor, exp.Cbrt, exp.Chr, exp.Corr,
        exp.CovarPop, exp.CovarSamp, exp.Grouping, exp.IntDiv, exp.Kwarg, exp.Pad,
        exp.SHA2Digest, exp.TimestampFromParts, exp.Translate, exp.WidthBucket,
    }
)  # fmt: skip

POSTGRES_NODES: frozenset[type[exp.Expr]] = NODES | {
    exp.ArrayOverlaps, exp.ArrayPosition, exp.BitwiseAndAgg, exp.BitwiseOrAgg,
    exp.ColumnDef, exp.DateBin, exp.Decode, exp.Degrees, exp.Encode, exp.Explode,
    exp.ExplodingGenerateSeries, exp.Format, exp.JSONArrayAgg, exp.JSONBContainsAllTopKeys,
    exp.JSONBContainsAnyTopKeys, exp.JSONBExists, exp.JSONBObjectAgg, exp.JSONBPathExists,
    exp.JSONObjectAgg, exp.JustifyInterval, exp.Localtimestamp, exp.MakeInterval,
    exp.Overlaps, exp.Overlay, exp.Pi, exp.RegrSlope,
    exp.StringToArray, exp.TimeFromParts, exp.ArrayAppend, exp.ArrayPrepend,
    exp.ArrayRemove,
}  # fmt: skip

# Functions that sqlglot does not know and passes on by name.
FUNCTIONS = frozenset(
    {
        "age", "every", "json_extract_path_text", "json_typeof",
        "jsonb_extract_path_text", "jsonb_typeof", "num_nonnulls", "to_number",
        "trim_scale",
        # JSON
        "array_to_json", "json_array_length", "json_build_array", "json_build_object",
        "json_strip_nulls", "jsonb_agg", "jsonb_array_length", "jsonb_build_array",
        "jsonb_build_object", "jsonb_object", "jsonb_path_exists", "jsonb_path_match",
        "jsonb_path_query_array", "jsonb_path_query_first", "jsonb_pretty", "jsonb_set",
        "jsonb_strip_nulls", "row_to_json", "to_json", "to_jsonb",
        # arrays and rows
        "array_cat", "array_replace", "cardinality", "regexp_match", "row",
        "regexp_split_to_array",
        # times and numbers
        "gcd", "isfinite", "lcm", "make_date", "make_timestamptz", "min_scale", "scale",
        "statement_timestamp", "timezone", "transaction_timestamp",
        # text and bytes; digest is pgcrypto's
        "convert_from", "convert_to", "digest", "num_nulls", "octet_length",
    }
)  # fmt: skip

# Functions that return rows, each with no more rows than its argument has parts.
TABLE_FUNCTIONS = frozenset(
    {
        "json_array_elements", "json_array_elements_text", "json_each", "json_each_text",
        "json_object_keys", "json_to_record", "json_to_recordset",
        "jsonb_array_elements", "jsonb_array_elements_text", "jsonb_each",
        "jsonb_each_text", "jsonb_object_keys", "jsonb_to_record",
        "jsonb_to_recordset", "regexp_matches", "regexp_split_to_table",
        "string_to_table",
    }
)  # fmt: skip

TYPES = frozenset(
    {
        exp.DataType.Type.BIGINT, exp.DataType.Type.BOOLEAN, exp.DataType.Type.CHAR,
        exp.DataType.Type.DATE, exp.DataType.Type.DECIMAL, exp.DataType.Type.DOUBLE,
        exp.DataType.Type.FLOAT, exp.DataType.Type.INT, exp.DataType.Type.INTERVAL,
        exp.DataType.Type.JSON, exp.DataType.Type.JSONB, exp.DataType.Type.SMALLINT,
        exp.DataType.Type.TEXT, exp.DataType.Type.TIMESTAMP,
        exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.UUID,
        exp.DataType.Type.VARCHAR,
    }
)  # fmt: skip

POSTGRES_TYPES = TYPES | {
    exp.DType.ARRAY, exp.DType.MONEY, exp.DType.TIME, exp.DType.TIMETZ,
    exp.DType.USERDEFINED, exp.DType.VARBINARY,
}  # fmt: skip

# Names of Postgres' own types that sqlglot takes for a customer's. They look something up
# in the catalogs, or mean a value of the server's inside.
POSTGRES_SYSTEM_TYPES = (
    r"(reg|pg_|any|_).*|oid|xid8?|cid|tid|xml|aclitem|refcursor|txid_snapshot|internal"
    r"|record|void|unknown|cstring"
)

# Clauses that a table in FROM and a SELECT may have, by sqlglot's key. Any other (ONLY, FOR
# SYSTEM_TIME, TABLESAMPLE, INTO, FOR UPDATE ...) is refused.
TABLE_CLAUSES = frozenset({"this", "db", "catalog", "alias", "joins"})
FUNCTION_CLAUSES = frozenset({"this", "alias", "joins", "ordinality"})
LATERAL_CLAUSES = frozenset({"this", "alias", "ordinality"})
SELECT_CLAUSES = frozenset(
    {
        "with_", "distinct", "expressions", "from_", "joins", "where", "group",
        "having", "windows", "order", "limit", "offset",
    }
)  # fmt: skip

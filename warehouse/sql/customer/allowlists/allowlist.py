"""Syntax nodes and types that a query may use in every dialect; all else is refused."""

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
        exp.PercentRank, exp.CumeDist, exp.Mode, exp.Reverse, exp.Date,
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

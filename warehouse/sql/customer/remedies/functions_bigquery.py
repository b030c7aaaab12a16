"""Functions that BigQuery has, and what to write instead of other dialects'.

sqlglot reads functions of every dialect in every dialect. A name that BigQuery has not is
refused, though sqlglot would write another one for it: `HEX(x)` as `TO_HEX(x)`, whose digits
are small, `CHARINDEX(a, b)` as `INSTR(b, a)`, `LEN(x)` as it is, which fails at each count.
"""

# By Google's list of all functions (functions-all of the reference), those that sqlglot reads,
# words that are read as functions, and those behind NET. A new one of sqlglot's is refused until it is named.
OWN_FUNCTIONS = frozenset(
    {
        "abs", "acos", "acosh", "agg", "any", "any_value",
        "approx_count_distinct", "approx_quantiles", "approx_top_count",
        "approx_top_sum", "array", "array_agg", "array_concat",
        "array_concat_agg", "array_first", "array_last", "array_length",
        "array_reverse", "array_slice", "array_to_string", "ascii", "asin",
        "asinh", "atan", "atan2", "atanh", "avg", "bit_and", "bit_count",
        "bit_or", "bit_xor", "bool", "byte_length", "case", "cast", "cbrt",
        "ceil", "ceiling", "char_length", "character_length", "chr", "coalesce",
        "code_points_to_bytes", "code_points_to_string", "collate", "concat",
        "contains_substr", "corr", "cos", "cosh", "cosine_distance", "cot",
        "coth", "count", "countif", "covar_pop", "covar_samp", "csc", "csch",
        "cume_dist", "current_date", "current_datetime", "current_time",
        "current_timestamp", "date", "date_add", "date_diff",
        "date_from_unix_date", "date_sub", "date_trunc", "datetime",
        "datetime_add", "datetime_diff", "datetime_sub", "datetime_trunc",
        "dense_rank", "div", "edit_distance", "ends_with", "euclidean_distance",
        "exists", "exp", "extract", "farm_fingerprint", "first_value",
        "float64", "floor", "format", "format_date", "format_datetime",
        "format_time", "format_timestamp", "from_base32", "from_base64",
        "from_hex", "gap_fill", "generate_array", "generate_date_array",
        "generate_timestamp_array", "generate_uuid", "greatest", "grouping", "host",
        "if", "ifnull", "initcap", "instr", "int64", "is_inf", "is_nan",
        "json_array", "json_array_append", "json_array_insert", "json_extract",
        "json_extract_array", "json_extract_scalar",
        "json_extract_string_array", "json_keys", "json_object", "json_query",
        "json_query_array", "json_remove", "json_set", "json_strip_nulls",
        "json_type", "json_value", "json_value_array", "justify_days",
        "justify_hours", "justify_interval", "lag", "last_day", "last_value",
        "lax_bool", "lax_float64", "lax_int64", "lax_string", "lead", "least",
        "left", "length", "ln", "log", "log10", "logical_and", "logical_or",
        "lower", "lpad", "ltrim", "make_interval", "max", "max_by", "md5",
        "min", "min_by", "mod", "normalize", "normalize_and_casefold",
        "nth_value", "ntile", "nullif", "octet_length", "parse_bignumeric",
        "parse_date", "parse_datetime", "parse_json", "parse_numeric",
        "parse_time", "parse_timestamp", "percent_rank", "percentile_cont",
        "percentile_disc", "pow", "power", "rand", "range_bucket", "rank",
        "reg_domain",
        "regexp_contains", "regexp_extract", "regexp_extract_all",
        "regexp_instr", "regexp_replace", "regexp_substr", "repeat", "replace",
        "reverse", "right", "round", "row_number", "rpad", "rtrim", "safe_add",
        "safe_cast", "safe_convert_bytes_to_string", "safe_divide",
        "safe_multiply", "safe_negate", "safe_subtract", "sec", "sech",
        "session_user", "sha1", "sha256", "sha512", "sign", "sin", "sinh",
        "soundex", "split", "sqrt", "st_distance", "starts_with", "stddev",
        "stddev_pop", "stddev_samp", "string", "string_agg", "strpos", "struct",
        "substr", "substring", "sum", "tan", "tanh", "time", "time_add",
        "time_diff", "time_sub", "time_trunc", "timestamp", "timestamp_add",
        "timestamp_diff", "timestamp_micros", "timestamp_millis",
        "timestamp_seconds", "timestamp_sub", "timestamp_trunc", "to_base32",
        "to_base64", "to_code_points", "to_hex", "to_json", "to_json_string",
        "translate", "trim", "trunc", "typeof", "unicode", "unix_date",
        "unix_micros", "unix_millis", "unix_seconds", "unnest", "upper",
        "var_pop", "var_samp", "variance", "vector_search", "week",
    }
)  # fmt: skip

# What to write instead of clauses, types and namespaces of other dialects.
ADVICE = {
    # What begins with these is of models, or of sketches.
    "ai.": "a table that holds its results",
    "hll_count.": "APPROX_COUNT_DISTINCT",
    "kll_quantiles.": "APPROX_QUANTILES",
    "ml.": "a table that holds its results",
    "#>": "JSON_QUERY(value, '$.key')",
    "#>>": "JSON_VALUE(value, '$.key')",
    "array of values": "[a, b], or ARRAY(SELECT …)",
    "CLUSTER BY": "ORDER BY",
    "json": "PARSE_JSON(text)",
    "jsonb": "JSON",
    "LATERAL VIEW": "CROSS JOIN UNNEST(array) AS x",
    "SORT BY": "ORDER BY",
}

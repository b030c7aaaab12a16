"""Functions of other dialects that sqlglot would write as one of Snowflake's.

Snowflake has none of these names: a call of one is the customer's own function.
"""

FOREIGN_FUNCTIONS = frozenset(
    {
        "approx_distinct", "approx_quantile", "arg_max", "arg_min", "argmax",
        "argmin", "array", "array_concat", "array_filter", "array_has",
        "array_intersect", "array_join", "array_length", "array_overlaps",
        "bitwise_and_agg", "bitwise_or_agg", "bitwise_xor_agg", "bool_and",
        "bool_or", "byte_length", "countif", "date_add", "date_diff",
        "date_sub", "date_to_date_str", "day_of_month", "day_of_week",
        "day_of_year", "decode_case", "ends_with", "gen_random_uuid", "generate_series", "get_bit",
        "get_extract", "group_concat", "hex", "if", "iif", "instr", "isodow",
        "j_s_o_n_object", "json_extract", "json_extract_scalar", "json_format",
        "json_keys", "json_object", "json_parse", "last_day_of_month", "lcase", "leftpad",
        "levenshtein", "locate", "log10", "log2", "logical_and", "logical_or",
        "m_d5_number_lower64", "m_d5_number_upper64", "md5_digest",
        "regexp_extract", "regexp_extract_all", "regexp_i_like", "rightpad",
        "s_h_a2_digest", "safe_cast", "safe_divide", "signum", "skewness", "sort_array", "starts_with",
        "stdev", "str_position", "str_to_date", "str_to_time", "strpos",
        "struct", "stuff", "time_add", "time_to_str", "time_to_time_str",
        "timestamp_add", "timestamp_diff", "timestamp_sub", "timestamp_trunc",
        "to_hex", "ts_or_ds_to_date", "ts_or_ds_to_date_str",
        "ts_or_ds_to_time", "ucase", "unix_to_time", "week_of_year", "xor",
        "year_of_week", "year_of_week_iso",
    }
)  # fmt: skip

# What to write instead of clauses, operators and types.
ADVICE = {
    "#>": "value:key",
    "#>>": "value:key::VARCHAR",
    "CLUSTER BY": "ORDER BY",
    "json": "VARIANT, or PARSE_JSON(text),",
    "jsonb": "VARIANT, or PARSE_JSON(text),",
    "div": "TRUNC(a / b)",
    "generate_date_array": "a calendar of TABLE(GENERATOR(ROWCOUNT => n))",
    "generate_series": "a calendar of TABLE(GENERATOR(ROWCOUNT => n))",
    "LATERAL VIEW": "LATERAL FLATTEN(INPUT => …) AS f",
    "SORT BY": "ORDER BY",
    "struct": "OBJECT_CONSTRUCT('key', value)",
    "unnest": "LATERAL FLATTEN(INPUT => …) in FROM",
}

"""What a customer's query may use on Postgres beyond the allow-list of all dialects."""

from sqlglot import exp

from warehouse.sql.customer.allowlists import allowlist

NODES: frozenset[type[exp.Expr]] = allowlist.NODES | {
    exp.Acos, exp.Acosh, exp.Adjacent, exp.ArrayAppend, exp.ArrayContainedBy, exp.ArrayOverlaps, exp.ArrayPosition,
    exp.ArrayPrepend, exp.ArrayRemove, exp.Asin, exp.Asinh, exp.Atan, exp.Atan2, exp.Atanh,
    exp.BitLength, exp.BitwiseAndAgg, exp.BitwiseOrAgg, exp.BitwiseXorAgg, exp.ColumnDef,
    exp.Cos, exp.Cosh, exp.Cot, exp.CurrentTime, exp.Decode, exp.Degrees,
    exp.Encode, exp.Explode, exp.ExtendsLeft, exp.ExtendsRight, exp.ExplodingGenerateSeries, exp.Format, exp.JSON,
    exp.FormatJson, exp.JSONArray, exp.JSONArrayAgg, exp.JSONBContainsAllTopKeys, exp.JSONBContainsAnyTopKeys, exp.JSONBDeleteAtPath,
    exp.JSONBPathExists, exp.JSONKeyValue, exp.JSONObject, exp.JustifyDays,
    exp.JustifyHours, exp.JustifyInterval, exp.Levenshtein, exp.Localtime,
    exp.Localtimestamp, exp.MakeInterval, exp.MatchAgainst, exp.Overlaps, exp.Overlay,
    exp.Pi, exp.Radians, exp.RecursiveWithSearch, exp.Repeat, exp.Sin,
    exp.Sinh, exp.Slice, exp.Soundex, exp.StringToArray, exp.Tan, exp.Tanh,
    exp.TimeFromParts, exp.Variadic,
}  # fmt: skip

# Aggregates that are passed on by name: sqlglot refuses `corr(DISTINCT a, b)`.
AGGREGATES = frozenset(
    {
        "any_value", "corr", "covar_pop", "covar_samp", "every", "json_object_agg",
        "jsonb_agg", "jsonb_object_agg", "range_agg", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept",
        "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "variance",
    }
)  # fmt: skip

# Functions that are passed on by name; see grammar_postgres.
FUNCTIONS = AGGREGATES | frozenset(
    {
        # JSON
        "array_to_json", "json_array_length", "json_build_array", "json_build_object",
        "json_extract_path_text", "json_object", "json_strip_nulls", "json_typeof",
        "jsonb_array_length", "jsonb_build_array", "jsonb_build_object",
        "json_extract_path", "jsonb_exists", "jsonb_exists_all", "jsonb_exists_any", "jsonb_extract_path",
        "jsonb_extract_path_text", "jsonb_insert", "jsonb_object", "jsonb_path_exists",
        "jsonb_path_match", "jsonb_path_query_array", "jsonb_path_query_first",
        "jsonb_pretty", "jsonb_set", "jsonb_strip_nulls", "jsonb_typeof", "row_to_json",
        "to_json", "to_jsonb",
        # arrays, rows and ranges; ALL (array) is read as a function
        "all", "some", "array_cat", "array_dims", "array_lower", "array_ndims", "array_positions",
        "array_replace", "array_upper", "cardinality", "daterange", "int4range",
        "int8range", "isempty", "lower_inc", "lower_inf", "num_nonnulls", "num_nulls",
        "numrange", "range_merge", "row", "trim_array", "tsrange",
        "tstzrange", "upper_inc", "upper_inf",
        # times and numbers
        "cbrt", "ceiling", "date_part", "date_trunc", "log10", "mod", "now", "pow", "power",
        "round", "sqrt", "to_char", "to_date", "to_number", "to_timestamp",
        "age", "asind", "date_bin", "acosd", "atand", "bit_count", "cosd", "date_add",
        "date_subtract", "erf", "factorial", "gcd", "isfinite", "justify_days",
        "justify_hours", "lcm", "make_date", "make_timestamptz", "min_scale", "scale",
        "sind", "statement_timestamp", "tand", "timezone",
        "transaction_timestamp", "trim_scale",
        # text and bytes; digest is pgcrypto's, some others are of extensions as well
        "btrim", "char_length", "character_length", "regexp_count", "regexp_instr",
        "regexp_like", "regexp_substr", "starts_with", "strpos", "substr", "to_hex",
        "convert_from", "convert_to", "digest", "get_byte", "hashtext", "initcap",
        "hashtextextended", "metaphone", "octet_length", "pg_typeof", "quote_literal",
        "parse_ident", "quote_nullable", "regexp_match",
        "regexp_split_to_array", "sha224", "similarity", "unaccent",
        "unistr", "word_similarity",
        # text search; ts_stat is not among them: it runs a text as SQL
        "phraseto_tsquery", "plainto_tsquery", "to_tsquery", "to_tsvector",
        "ts_lexize", "ts_rank", "ts_rank_cd", "tsvector_to_array", "websearch_to_tsquery",
        # addresses
        "family", "host", "masklen", "network",
    }
)  # fmt: skip

# Functions that return rows, each with no more rows than its argument has parts.
TABLE_FUNCTIONS = frozenset(
    {
        "json_array_elements", "json_array_elements_text", "json_each", "json_each_text",
        "json_object_keys", "json_populate_record", "json_populate_recordset",
        "json_to_record", "json_to_recordset", "jsonb_array_elements",
        "jsonb_array_elements_text", "jsonb_each", "jsonb_each_text",
        "jsonb_object_keys", "jsonb_path_query", "jsonb_populate_record",
        "jsonb_populate_recordset", "jsonb_to_record", "jsonb_to_recordset",
        "regexp_matches", "regexp_split_to_table", "string_to_table",
    }
)  # fmt: skip

TYPES = allowlist.TYPES | {
    exp.DType.ARRAY, exp.DType.MONEY, exp.DType.TIME, exp.DType.TIMETZ,
    exp.DType.USERDEFINED, exp.DType.VARBINARY, exp.DType.DATERANGE, exp.DType.INT4RANGE,
    exp.DType.INT8RANGE, exp.DType.NUMRANGE, exp.DType.TSRANGE, exp.DType.TSTZRANGE,
    exp.DType.INET, exp.DType.NAME,
}  # fmt: skip

# Names of Postgres' own types that sqlglot takes for a customer's. They look something up
# in the catalogs, or mean a value of the server's inside.
SYSTEM_TYPES = (
    r"(reg|pg_|any|_).*|oid|xid8?|cid|tid|xml|aclitem|refcursor|txid_snapshot|internal"
    r"|record|void|unknown|cstring"
)

# Functions and types of other dialects, which sqlglot would write as Postgres' own: there
# they can only mean a customer's function or type.
FOREIGN_FUNCTIONS = frozenset(
    {
        "array_contained_by", "array_contains_all", "array_has_all", "array_join",
        "array_overlaps", "array_size", "arrayagg", "bitwise_and_agg", "bitwise_or_agg",
        "bitwise_xor_agg", "booland_agg", "boolor_agg", "char", "charindex", "collate",
        "convert", "date_to_date_str", "explode", "exploding_generate_series",
        "group_concat", "if", "ifnull", "iif", "instr", "jsonb_extract",
        "jsonb_extract_scalar", "json_extract", "json_extract_scalar",
        "j_s_o_n_array_agg", "j_s_o_n_b_contains_all_top_keys",
        "j_s_o_n_b_contains_any_top_keys", "j_s_o_n_b_contains_top_key",
        "j_s_o_n_b_delete_at_path", "j_s_o_n_b_object_agg", "j_s_o_n_b_path_exists",
        "j_s_o_n_object_agg", "lcase", "leftpad", "len", "like", "locate", "log2",
        "logical_and", "logical_or", "nvl", "nvl2", "regexp_i_like", "rightpad",
        "s_h_a2_digest", "signum", "split_by_string", "startswith", "stdev",
        "str_position", "str_to_date", "str_to_time", "time_from_parts", "time_to_str",
        "time_to_time_str", "timefromparts", "timestamp_from_parts", "timestamp_trunc",
        "timestampfromparts", "truncate", "ts_or_ds_to_date_str", "ucase",
        "unix_to_time", "variance_pop", "variance_samp",
    }
)  # fmt: skip
FOREIGN_TYPES = {
    "bigdecimal": "numeric", "bignumeric": "numeric", "blob": "bytea", "bytes": "bytea",
    "clob": "text", "datetime": "timestamp", "double": "double precision",
    "float64": "double precision", "int64": "bigint", "long": "bigint",
    "longtext": "text", "mediumtext": "text", "number": "numeric",
    "nvarchar": "varchar", "string": "text", "tinyint": "smallint", "tinytext": "text",
    "object": "jsonb", "timestamp_ltz": "timestamptz", "timestamp_ntz": "timestamp",
    "timestamp_tz": "timestamptz", "variant": "jsonb", "varchar2": "varchar", "binary": "bytea", "varbinary": "bytea",
}  # fmt: skip


def calls_aggregate(query: exp.Expr) -> bool:
    """Return whether a query has an aggregate, by its node or by its name."""
    return query.find(exp.AggFunc) is not None or any(
        call.name.lower() in AGGREGATES for call in query.find_all(exp.Anonymous)
    )


# Words that name a column only behind AS: others may stand there without it.
NEED_AS = frozenset(
    {
        "CHAR", "CHARACTER", "DAY", "FILTER", "HOUR", "MINUTE", "MONTH", "OVER", "PRECISION", "SECOND", "VARYING",
        "WITHIN", "WITHOUT", "YEAR",
    }
)  # fmt: skip

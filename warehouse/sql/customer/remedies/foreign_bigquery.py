"""What to write on BigQuery instead of other dialects' functions, by the form of the call."""

STRIPPED = "which leaves out NULLs inside of values too"
APPROXIMATE = " -- which is approximate"
LAST_PARTS = (
    "ARRAY_TO_STRING(ARRAY(SELECT item FROM UNNEST(SPLIT(text, part)) AS item WITH OFFSET AS"
    " place WHERE place {} ORDER BY place), part)"
)
AGGREGATES = {"count_if": "COUNTIF", "arrayagg": "ARRAY_AGG", "stdev": "STDDEV"}
# One function by another name, by the number of its arguments.
NAMES = {
    1: {
        **AGGREGATES, **dict.fromkeys(("bool_and", "booland_agg", "every"), "LOGICAL_AND"),
        **dict.fromkeys(("bool_or", "boolor_agg"), "LOGICAL_OR"),
        "approx_distinct": "APPROX_COUNT_DISTINCT", "array_size": "ARRAY_LENGTH",
        "cardinality": "ARRAY_LENGTH", "char": "CHR", "from_unixtime": "TIMESTAMP_SECONDS",
        "hll_cardinality": "APPROX_COUNT_DISTINCT", "isinf": "IS_INF", "isnan": "IS_NAN",
        "json_format": "TO_JSON_STRING", "json_parse": "PARSE_JSON", "lcase": "LOWER",
        "last_day_of_month": "LAST_DAY", "len": "LENGTH", "signum": "SIGN",
        "to_variant": "TO_JSON", "truncate": "TRUNC", "try_cast": "SAFE_CAST",
        "ucase": "UPPER", "unhex": "FROM_HEX", "unix_timestamp": "UNIX_SECONDS",
        "unix_to_time": "TIMESTAMP_SECONDS", "variance_pop": "VAR_POP",
        "variance_samp": "VAR_SAMP",
    },
    2: {
        "approx_top_k": "APPROX_TOP_COUNT", "arg_max": "MAX_BY", "arg_min": "MIN_BY",
        "argmax": "MAX_BY", "argmin": "MIN_BY", "array_cat": "ARRAY_CONCAT",
        "array_join": "ARRAY_TO_STRING", "endswith": "ENDS_WITH",
        "jsonb_extract": "JSON_QUERY", "jsonb_extract_scalar": "JSON_VALUE",
        "leftpad": "LPAD", "levenshtein": "EDIT_DISTANCE", "nvl": "IFNULL",
        "regexp_like": "REGEXP_CONTAINS", "rightpad": "RPAD", "startswith": "STARTS_WITH",
        "truncate": "TRUNC",
    },
    3: {"array_join": "ARRAY_TO_STRING", "leftpad": "LPAD", "rightpad": "RPAD"},
}  # fmt: skip


def _build_names() -> dict[str, str]:
    return {
        f"{name}({', '.join('abc'[:count])})": instead
        for count, names in NAMES.items()
        for name, instead in names.items()
    }


def _build_lists() -> dict[str, str]:
    forms = {}
    for arguments, separator in (("value", "''"), ("value, part", "part")):
        text = f"CAST(value AS STRING), {separator}"
        forms[f"listagg({arguments})"] = f"IFNULL(STRING_AGG({text}), '')"
        forms[f"listagg(DISTINCT {arguments})"] = (
            f"IFNULL(STRING_AGG(DISTINCT {text}), '')"
        )
        forms[f"listagg({arguments}) WITHIN GROUP (ORDER BY order)"] = (
            f"IFNULL(STRING_AGG({text} ORDER BY order), '')"
        )
        comma = text.replace("''", "','")
        forms[f"group_concat({arguments})"] = f"STRING_AGG({comma})"
        forms[f"group_concat(DISTINCT {arguments})"] = f"STRING_AGG(DISTINCT {comma})"
    return forms


def _build_conditions() -> dict[str, str]:
    return {
        "decode(a, b, c)": "CASE WHEN a IS NOT DISTINCT FROM b THEN c END",
        "decode(a, b, c, d)": "CASE WHEN a IS NOT DISTINCT FROM b THEN c ELSE d END",
        "decode(a, b, c, m, n)": "CASE WHEN a IS NOT DISTINCT FROM b THEN c WHEN a IS NOT DISTINCT FROM m THEN n END",
        "decode(a, b, c, m, n, d)": "CASE WHEN a IS NOT DISTINCT FROM b THEN c WHEN a IS NOT DISTINCT FROM m THEN n ELSE d END",
        "div0(a, b)": "IF(b = 0, 0, a / b)",
        "div0null(a, b)": "IFNULL(SAFE_DIVIDE(a, b), 0)",
        "equal_null(a, b)": "a IS NOT DISTINCT FROM b",
        "iff(x, a, b)": "IF",
        "iif(x, a, b)": "IF",
        "isnull(a)": "a IS NULL",
        "isnull(a, b)": "IFNULL",
        "nullifzero(a)": "NULLIF(a, 0)",
        "nvl2(a, b, c)": "IF(a IS NOT NULL, b, c)",
        "xor(a, b)": "a <> b",
        "zeroifnull(a)": "IFNULL(a, 0)",
    }


def _build_percentiles() -> dict[str, str]:
    text = f"APPROX_QUANTILES(x, 100)[OFFSET(percent)]{APPROXIMATE}"
    return {
        **{
            f"{name}(x, percent)": text
            for name in ("approx_percentile", "approx_quantile", "percentile")
        },
        **{
            f"{name}(percent) WITHIN GROUP (ORDER BY x)": text
            for name in ("percentile_cont", "percentile_disc")
        },
        "median(x)": f"APPROX_QUANTILES(x, 2)[OFFSET(1)]{APPROXIMATE}",
        "mode() WITHIN GROUP (ORDER BY x)": "APPROX_TOP_COUNT(x, 1)[OFFSET(0)].value",
        "mode(x)": "APPROX_TOP_COUNT(x, 1)[OFFSET(0)].value",
    }


def _build_json() -> dict[str, str]:
    forms = {}
    for name in ("json_agg", "json_arrayagg", "jsonb_agg"):
        forms[f"{name}(value)"] = "TO_JSON(ARRAY_AGG(value))"
    for name in ("json", "jsonb"):
        forms[f"{name}_array_length(value)"] = "ARRAY_LENGTH(JSON_QUERY_ARRAY(value))"
        forms[f"{name}_build_object(rest)"] = "JSON_OBJECT(rest)"
        forms[f"{name}_extract_path_text(value, dollar)"] = "JSON_VALUE(value, dollar)"
        forms[f"{name}_extract_path_text(value, first_key, second_key)"] = (
            "JSON_VALUE(value, '$.{first_key}.{second_key}')"
        )
    return {
        **forms,
        "json_objectagg(a, b)": "JSON_OBJECT(ARRAY_AGG(a), ARRAY_AGG(b))",
        "object_agg(a, b)": "JSON_STRIP_NULLS(JSON_OBJECT(ARRAY_AGG(a), ARRAY_AGG(b)))"
        " -- which fails at a key that is NULL, and leaves out NULLs inside of values too",
        "object_construct(rest)": f"JSON_STRIP_NULLS(JSON_OBJECT(rest)) -- {STRIPPED}",
        "object_construct_keep_null(rest)": "JSON_OBJECT(rest)",
    }


def _build_series() -> dict[str, str]:
    return {
        f"generate_series(a, b, {step})": "UNNEST(GENERATE_DATE_ARRAY(CAST(a AS DATE),"
        f" CAST(b AS DATE), INTERVAL 1 {unit.upper()})) in FROM"
        for unit in ("day", "week", "month")
        for step in (f"'1 {unit}'", f"INTERVAL '1 {unit}'")
    }


FORMS = {
    **_build_names(),
    **_build_lists(),
    **_build_conditions(),
    **_build_percentiles(),
    **_build_json(),
    **_build_series(),
    "array_construct(rest)": "[rest]",
    "array_contains(array, literal)": "literal IN UNNEST(array)",
    "array_contains(value, array)": "value IN UNNEST(array)",
    "array_distinct(array)": "ARRAY(SELECT DISTINCT item FROM UNNEST(array) AS item)",
    "array_filter(array, x -> condition)": "ARRAY(SELECT x FROM UNNEST(array) AS x WHERE condition)",
    "array_remove(array, value)": "ARRAY(SELECT item FROM UNNEST(array) AS item WHERE item IS DISTINCT FROM value)",
    "array_sort(array)": "ARRAY(SELECT item FROM UNNEST(array) AS item ORDER BY item)",
    "array_sort(array, FALSE)": "ARRAY(SELECT item FROM UNNEST(array) AS item ORDER BY item DESC)",
    "base64_encode(text)": "TO_BASE64(CAST(text AS BYTES))",
    "bitand(a, b)": "a & b",
    "bitor(a, b)": "a | b",
    "charindex(part, text)": "STRPOS(text, part)",
    "charindex(part, text, begin)": "INSTR(text, part, begin)",
    "concat_ws(part, rest)": "ARRAY_TO_STRING([rest], part)",
    "contains(text, part)": "STRPOS(text, part) > 0",
    "explode(array)": "UNNEST(array) in FROM",
    "flatten(INPUT => array)": "UNNEST(array) in FROM",
    "flatten(array)": "UNNEST(array) in FROM",
    "generate_series(a, b)": "UNNEST(GENERATE_ARRAY(a, b)) in FROM",
    "hash(text)": "FARM_FINGERPRINT(CAST(text AS STRING)) -- another hash",
    "width_bucket(a, low, high, n)": "CASE WHEN a < low THEN 0 WHEN a >= high THEN n + 1"
    " ELSE CAST(FLOOR((a - low) / (high - low) * n) AS INT64) + 1 END -- which takes bounds that ascend",
    "hex(bytes)": "UPPER(TO_HEX(bytes))",
    "ilike(text, pattern)": "LOWER(text) LIKE LOWER(pattern)",
    "like(text, pattern)": "text LIKE pattern",
    "locate(part, text)": "STRPOS(text, part)",
    "locate(part, text, begin)": "INSTR(text, part, begin)",
    "log2(x)": "LOG(x, 2)",
    "lower_hex(bytes)": "TO_HEX(bytes)",
    "md5_hex(text)": "TO_HEX(MD5(text))",
    "position(part IN text)": "STRPOS(text, part)",
    "position(part, text)": "STRPOS(text, part)",
    "ratio_to_report(a) OVER (spec)": "SAFE_DIVIDE(a, SUM(a) OVER (spec))",
    "regexp_i_like(text, pattern)": "REGEXP_CONTAINS(LOWER(text), LOWER(pattern)) -- where the pattern has no class such as \\D",
    "regexp_matches(text, pattern)": "REGEXP_EXTRACT(text, pattern) -- which is a text, and no array",
    "regexp_matches(text, pattern, 'g')": "REGEXP_EXTRACT_ALL(text, pattern) -- which is one array, and no rows",
    "sha2(text)": "TO_HEX(SHA256(text))",
    "sha2(text, 256)": "TO_HEX(SHA256(text))",
    "sha2(text, 512)": "TO_HEX(SHA512(text))",
    "space(count)": "REPEAT(' ', count)",
    "split_part(text, part, -count)": "ARRAY_REVERSE(SPLIT(text, part))[SAFE_ORDINAL(count)] -- which is NULL before the first part",
    "split_part(text, part, m)": "SPLIT(text, part)[SAFE_ORDINAL(m)] -- which is NULL behind the last part",
    "square(x)": "POW(x, 2)",
    "str_position(text, part)": "STRPOS",
    "string_to_array(text, part)": "SPLIT(text, part) -- which counts from 0",
    "substring_index(text, part, -count)": LAST_PARTS.format(
        ">= ARRAY_LENGTH(SPLIT(text, part)) - count"
    ),
    "substring_index(text, part, m)": LAST_PARTS.format("< m"),
    "xmlagg(text)": "STRING_AGG(text, '')",
}

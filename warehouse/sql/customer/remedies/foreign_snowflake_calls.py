"""What to write on Snowflake instead of other dialects' functions, by the form of the call."""

# One function by another name, by the number of its arguments.
NAMES = {
    1: {
        "approx_distinct": "APPROX_COUNT_DISTINCT", "array_length": "ARRAY_SIZE",
        **dict.fromkeys(("bool_and", "every", "logical_and"), "BOOLAND_AGG"),
        **dict.fromkeys(("bool_or", "logical_or"), "BOOLOR_AGG"),
        "byte_length": "OCTET_LENGTH", "cardinality": "ARRAY_SIZE", "countif": "COUNT_IF",
        "datetime": "TO_TIMESTAMP_NTZ", "farm_fingerprint": "HASH", "hex": "HEX_ENCODE",
        "from_unixtime": "TO_TIMESTAMP_NTZ", "hll_cardinality": "APPROX_COUNT_DISTINCT",
        **dict.fromkeys(("json_agg", "json_arrayagg", "jsonb_agg"), "ARRAY_AGG"),
        **dict.fromkeys(("json_array_length", "jsonb_array_length"), "ARRAY_SIZE"),
        "json_parse": "PARSE_JSON", "last_day_of_month": "LAST_DAY", "lcase": "LOWER",
        "safe_cast": "TRY_CAST", "signum": "SIGN", "stdev": "STDDEV",
        "timestamp": "TO_TIMESTAMP_TZ", "timestamp_seconds": "TO_TIMESTAMP_NTZ",
        "to_base64": "BASE64_ENCODE", "to_hex": "HEX_ENCODE", "ucase": "UPPER",
    },
    2: {
        "arg_max": "MAX_BY", "arg_min": "MIN_BY", "argmax": "MAX_BY", "argmin": "MIN_BY",
        "array_concat": "ARRAY_CAT", "array_join": "ARRAY_TO_STRING",
        "ends_with": "ENDSWITH", "leftpad": "LPAD", "levenshtein": "EDITDISTANCE",
        "regexp_extract": "REGEXP_SUBSTR", "regexp_matches": "REGEXP_SUBSTR",
        "rightpad": "RPAD", "starts_with": "STARTSWITH",
        "isnull": "IFNULL", "json_objectagg": "OBJECT_AGG", "regexp_extract_all": "REGEXP_SUBSTR_ALL",
    },
    3: {"if": "IFF", "iif": "IFF", "leftpad": "LPAD", "rightpad": "RPAD"},
}  # fmt: skip
SPLIT = "SPLIT(text, part)"


def _build_names() -> dict[str, str]:
    return {
        f"{name}({', '.join('abc'[:count])})": instead
        for count, names in NAMES.items()
        for name, instead in names.items()
    }


def _build_json() -> dict[str, str]:
    forms = {}
    for name in ("json_extract", "json_query"):
        forms[f"{name}(value, dollar_path)"] = "GET_PATH(value, dollar_path)"
    for name in ("json_extract_scalar", "json_value"):
        forms[f"{name}(value, dollar_path)"] = "GET_PATH(value, dollar_path)::VARCHAR"
    for name in ("json_build_object", "jsonb_build_object"):
        forms[f"{name}(rest)"] = "OBJECT_CONSTRUCT_KEEP_NULL(rest)"
    forms["jsonb_extract_path_text(value, part)"] = "GET(value, part)::VARCHAR"
    forms["to_json_string(value)"] = "TO_JSON(TO_VARIANT(value))"
    return forms


def _build_lists() -> dict[str, str]:
    forms = {"xmlagg(text)": "LISTAGG(text)"}
    for arguments, given in (("value", "value, ','"), ("value, part", "value, part")):
        forms[f"group_concat({arguments})"] = f"LISTAGG({given})"
        forms[f"group_concat(DISTINCT {arguments})"] = f"LISTAGG(DISTINCT {given})"
    return forms


def _build_times() -> dict[str, str]:
    """Return sums, differences and truncations, whose unit BigQuery writes last."""
    forms = {}
    for kind in ("date", "datetime", "timestamp", "time"):
        forms[f"{kind}_add(time, INTERVAL n unit)"] = "DATEADD(unit, n, time)"
        forms[f"{kind}_sub(time, INTERVAL n unit)"] = "DATEADD(unit, -n, time)"
    for kind in ("datetime", "timestamp", "time"):
        truncated = f"{kind}_trunc(time, "
        forms[f"{truncated}WEEK)"] = (
            "DATEADD(day, -1, DATE_TRUNC('week', DATEADD(day, 1, time)))"
        )
        forms[f"{truncated}unit)"] = "DATE_TRUNC('{unit}', time)"
    for kind in ("date", "datetime", "timestamp"):
        difference = f"{kind}_diff(end_time, start_time, "
        forms[f"{difference}WEEK)"] = (
            "DATEDIFF(week, DATEADD(day, 1, start_time), DATEADD(day, 1, end_time))"
        )
        note = " -- which counts what begins between" if kind == "timestamp" else ""
        forms[f"{difference}unit)"] = f"DATEDIFF(unit, start_time, end_time){note}"
    for name, sign in (
        ("adddate", ""),
        ("date_add", ""),
        ("date_sub", "-"),
        ("subdate", "-"),
    ):
        forms[f"{name}(time, INTERVAL n unit)"] = f"DATEADD(unit, {sign}n, time)"
        forms[f"{name}(time, n)"] = f"DATEADD(day, {sign}n, time)"
    return forms


def _build_formats() -> dict[str, str]:
    forms = {
        "date_format(time, mysql_plain)": "TO_CHAR(time, mysql_plain)",
        "strftime(plain, time)": "TO_CHAR(time, plain)",
        "strftime(time, plain)": "TO_CHAR(time, plain)",
        "parse_date(plain, text)": "TO_DATE(text, plain)",
        "strptime(text, plain)": "TO_TIMESTAMP_NTZ(text, plain)",
        "str_to_date(text, mysql_plain)": "TO_DATE(text, mysql_plain)",
    }
    for kind in ("date", "datetime", "time", "timestamp"):
        forms[f"format_{kind}(plain, time)"] = "TO_CHAR(time, plain)"
    for kind in ("datetime", "timestamp"):
        forms[f"parse_{kind}(plain, text)"] = "TO_TIMESTAMP_NTZ(text, plain)"
    return forms


FORMS = {
    **_build_names(),
    **_build_json(),
    **_build_lists(),
    **_build_times(),
    **_build_formats(),
    "age(a, b)": "DATEDIFF(day, b, a) -- which is a number of days, and no interval",
    "approx_quantile(x, fraction)": "APPROX_PERCENTILE",
    "approx_quantiles(x, 100) [OFFSET(hundredths)]": "APPROX_PERCENTILE(x, hundredths)",
    "approx_quantiles(x, 2) [OFFSET(1)]": "APPROX_PERCENTILE(x, 0.5)",
    "array_filter(array, x -> condition)": "FILTER(array, x -> condition)",
    "curdate()": "CURRENT_DATE",
    "current_datetime()": "CURRENT_TIMESTAMP()::TIMESTAMP_NTZ",
    "current_datetime(zone)": "CONVERT_TIMEZONE(zone, CURRENT_TIMESTAMP())::TIMESTAMP_NTZ",
    "date_diff(unit, start_time, end_time)": "DATEDIFF(unit, start_time, end_time)",
    "datetime(time, zone)": "CONVERT_TIMEZONE(zone, time)::TIMESTAMP_NTZ",
    "datepart(unit, time)": "DATE_PART(unit, time)",
    "contains_substr(text, part)": "CONTAINS(LOWER(text), LOWER(part))",
    "eomonth(date)": "LAST_DAY(date)",
    "from_base64(text)": "BASE64_DECODE_BINARY(text)",
    "generate_array(count, following)": "ARRAY_GENERATE_RANGE(count, following)",
    "instr(text, part)": "CHARINDEX(part, text)",
    "instr(text, part, begin)": "CHARINDEX(part, text, begin)",
    "isnull(a)": "a IS NULL",
    "locate(part, text)": "CHARINDEX",
    "locate(part, text, begin)": "CHARINDEX",
    "log10(x)": "LOG(10, x)",
    "log2(x)": "LOG(2, x)",
    "make_date(year, month, day)": "DATE_FROM_PARTS",
    "make_timestamp(year, month, day, hour, minute, second)": "TIMESTAMP_NTZ_FROM_PARTS",
    "now()": "CURRENT_TIMESTAMP",
    "offset(count)": "[count] behind the array",
    "ordinal(count)": "[count - 1] behind the array",
    "regexp_contains(text, pattern)": "REGEXP_INSTR(text, pattern) > 0",
    "safe_divide(a, b)": "a / NULLIF(b, 0)",
    "safe_offset(count)": "[count] behind the array",
    "safe_ordinal(count)": "[count - 1] behind the array",
    "str_position(text, part)": "CHARINDEX(part, text)",
    "strpos(text, part)": "CHARINDEX(part, text)",
    "string_to_array(text, part)": "SPLIT(text, part) -- which counts from 0",
    "struct(x AS part)": "OBJECT_CONSTRUCT_KEEP_NULL('{part}', x)",
    "substring_index(text, part, 1)": "SPLIT_PART(text, part, 1)",
    "substring_index(text, part, -1)": "SPLIT_PART(text, part, -1)",
    "substring_index(text, part, -count)": f"ARRAY_TO_STRING(ARRAY_SLICE({SPLIT}, GREATEST(ARRAY_SIZE({SPLIT}) - count, 0), ARRAY_SIZE({SPLIT})), part)",
    "substring_index(text, part, m)": f"ARRAY_TO_STRING(ARRAY_SLICE({SPLIT}, 0, m), part)",
    "timestamp_micros(n)": "TO_TIMESTAMP_NTZ(n, 6)",
    "timestamp_millis(n)": "TO_TIMESTAMP_NTZ(n, 3)",
    "unhex(text)": "TRY_HEX_DECODE_BINARY(text)",
    "unix_millis(time)": "DATE_PART(epoch_millisecond, time)",
    "unix_seconds(time)": "DATE_PART(epoch_second, time)",
    "unix_timestamp()": "DATE_PART(epoch_second, CURRENT_TIMESTAMP())",
    "unix_timestamp(time)": "DATE_PART(epoch_second, time)",
    "unnest(array)": "LATERAL FLATTEN(INPUT => array) in FROM",
    "utc_timestamp()": "CONVERT_TIMEZONE('UTC', CURRENT_TIMESTAMP())",
    "xor(a, b)": "a <> b",
}

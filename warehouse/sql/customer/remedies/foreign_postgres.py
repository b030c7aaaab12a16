"""What to write on Postgres instead of clauses and types of other dialects, by name.

And instead of functions of conditions, numbers and aggregates, by the form of the call.
"""

NUMBER = "^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[-+]?[0-9]{1,2})?$"
# Texts that are NULL where they have another form.
NUMBER_OR_NULL = f"CASE WHEN value::text ~* '{NUMBER}' THEN value::text::numeric END"
FLOAT_OR_NULL = f"CASE WHEN value::text ~* '{NUMBER}' THEN value::text::float8 END"
ROUNDED_OR_NULL = (
    f"CASE WHEN value::text ~* '{NUMBER}' THEN round(value::text::numeric) END"
)
SIZED_OR_NULL = NUMBER_OR_NULL.replace(" END", "(count, scale) END")
TRUTHS = "true|t|yes|y|on|1|false|f|no|n|off|0"
TRUTH_OR_NULL = f"CASE WHEN value::text ~* '^({TRUTHS})$' THEN value::text::boolean END"
AT_GREATEST = "(array_agg(a ORDER BY b DESC) FILTER (WHERE b IS NOT NULL))"
AT_LEAST = "(array_agg(a ORDER BY b) FILTER (WHERE b IS NOT NULL))"
CONT = "percentile_cont(fraction) WITHIN GROUP (ORDER BY x)"
DISC = "percentile_disc(fraction) WITHIN GROUP (ORDER BY x)"
TOO_LARGE = " -- which fails where the result is too large"
# What `OVER w` follows: array subscripts are NULL beyond the last value.
PRESENT = "(array_remove(array_agg(a) OVER w, NULL))"
FULL_WINDOW = " and WINDOW w AS (spec)"
BEFORE = " and WINDOW w AS (spec ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
BEHIND = " and WINDOW w AS (spec ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)"
WITHOUT = "IGNORE NULLS OVER (spec)"

ADVICE = {
    "CLUSTER BY": "ORDER BY",
    "LATERAL VIEW": "CROSS JOIN LATERAL with a function such as jsonb_array_elements(value)",
    "QUALIFY": "a query around this one, with WHERE",
    "RESPECT NULLS": "the function without it",
    "SORT BY": "ORDER BY",
    "sysdate": "now()",
    "TABLESAMPLE": "a WHERE over a hash, such as abs(hashtext(id::text)) % 10 = 0,",
    "timestamp_ltz": "timestamptz",
    "timestamp_ntz": "timestamp",
    "timestamp_tz": "timestamptz",
    "timestampltz": "timestamptz",
    "timestampntz": "timestamp",
}


def _build_extremes() -> dict[str, str]:
    names = {
        **dict.fromkeys(("arg_max", "argmax", "max_by"), AT_GREATEST),
        **dict.fromkeys(("arg_min", "argmin", "min_by"), AT_LEAST),
    }
    return {
        **{f"{name}(a, b)": f"{array}[1]" for name, array in names.items()},
        **{f"{name}(a, b, count)": f"{array}[:count]" for name, array in names.items()},
    }


WITHOUT_NULLS = {
    f"first_value(a) {WITHOUT}": f"{PRESENT}[1]{FULL_WINDOW}",
    f"last_value(a) {WITHOUT}": f"{PRESENT}[count(a) OVER w]{FULL_WINDOW}",
    f"nth_value(a, count) {WITHOUT}": f"{PRESENT}[count]{FULL_WINDOW}",
    f"lag(a) {WITHOUT}": f"{PRESENT}[count(a) OVER w]{BEFORE}",
    f"lag(a, m) {WITHOUT}": f"{PRESENT}[count(a) OVER w - m + 1]{BEFORE}",
    f"lag(a, m, b) {WITHOUT}": f"coalesce({PRESENT}[count(a) OVER w - m + 1], b){BEFORE}",
    f"lead(a) {WITHOUT}": f"{PRESENT}[1]{BEHIND}",
    f"lead(a, m) {WITHOUT}": f"{PRESENT}[m]{BEHIND}",
    f"lead(a, m, b) {WITHOUT}": f"coalesce({PRESENT}[m], b){BEHIND}",
}
# `LAG(a IGNORE NULLS)` is the same as `LAG(a) IGNORE NULLS`.
INSIDE = {
    form.replace(f") {WITHOUT}", " IGNORE NULLS) OVER (spec)"): template
    for form, template in WITHOUT_NULLS.items()
}
SIZED = ("to_number", "to_decimal", "to_numeric")
FORMS = {
    **WITHOUT_NULLS,
    **INSIDE,
    **_build_extremes(),
    **{f"{name}(text)": "round(text::numeric)" for name in SIZED},
    **{f"{name}(text, count, scale)": "text::numeric(count, scale)" for name in SIZED},
    **{f"try_{name}(value)": ROUNDED_OR_NULL for name in SIZED},
    **{f"try_{name}(value, count, scale)": SIZED_OR_NULL for name in SIZED},
    "any_value(a HAVING MAX b)": f"{AT_GREATEST}[1]",
    "any_value(a HAVING MIN b)": f"{AT_LEAST}[1]",
    "approx_distinct(a)": "count(DISTINCT a)",
    "approx_percentile(x, fraction)": CONT,
    "approx_quantile(x, fraction)": CONT,
    "approx_quantiles(x, count) [OFFSET(scale)]": "percentile_disc(scale / count.0) WITHIN GROUP (ORDER BY x)",
    "array_length(array)": "cardinality(array)",
    "array_unique_agg(a)": "array_agg(DISTINCT a) FILTER (WHERE a IS NOT NULL)",
    "arrayagg(a)": "array_agg",
    "bitand(a, b)": "a & b",
    "bitand_agg(a)": "bit_and",
    "bitnot(a)": "~a",
    "bitor(a, b)": "a | b",
    "bitor_agg(a)": "bit_or",
    "bitshiftleft(a, b)": "a << b",
    "bitshiftright(a, b)": "a >> b",
    "bitxor(a, b)": "a # b",
    "bitxor_agg(a)": "bit_xor",
    "bool(value)": "value::boolean",
    "booland_agg(a)": "bool_and",
    "boolor_agg(a)": "bool_or",
    "convert(kind, value)": "CAST(value AS kind)",
    "convert(value, kind)": "CAST(value AS kind)",
    "count_distinct(a)": "count(DISTINCT a)",
    "count_if(x)": "count(*) FILTER (WHERE x)",
    "count_if(x) OVER (spec)": "count(*) FILTER (WHERE x) OVER (spec)",
    "decode(a, b, c)": "CASE WHEN a IS NOT DISTINCT FROM b THEN c END",
    "decode(a, b, c, d)": "CASE WHEN a IS NOT DISTINCT FROM b THEN c ELSE d END",
    "decode(a, b, c, m, n)": "CASE WHEN a IS NOT DISTINCT FROM b THEN c WHEN a IS NOT DISTINCT FROM m THEN n END",
    "decode(a, b, c, m, n, d)": "CASE WHEN a IS NOT DISTINCT FROM b THEN c WHEN a IS NOT DISTINCT FROM m THEN n ELSE d END",
    "div0(a, b)": "CASE WHEN b = 0 THEN 0 ELSE 1.0 * a / b END",
    "div0null(a, b)": "CASE WHEN coalesce(b, 0) = 0 THEN 0 ELSE 1.0 * a / b END",
    "divnull(a, b)": "1.0 * a / nullif(b, 0)",
    "equal_null(a, b)": "a IS NOT DISTINCT FROM b",
    "float64(value)": "value::float8",
    "hll(a)": "count(DISTINCT a)",
    "hll_cardinality(a)": "count(DISTINCT a)",
    "if(x, a)": "CASE WHEN x THEN a END",
    "if(x, a, b)": "CASE WHEN x THEN a ELSE b END",
    "iff(x, a, b)": "CASE WHEN x THEN a ELSE b END",
    "ifnull(a, b)": "coalesce",
    "iif(x, a, b)": "CASE WHEN x THEN a ELSE b END",
    "int64(value)": "value::bigint",
    "is_inf(value)": "value IN ('Infinity', '-Infinity')",
    "is_nan(value)": "value = 'NaN'",
    "isinf(value)": "value IN ('Infinity', '-Infinity')",
    "isnan(value)": "value = 'NaN'",
    "isnull(a)": "a IS NULL",
    "isnull(a, b)": "coalesce",
    "log2(a)": "log(2, (a)::numeric)",
    "logical_and(a)": "bool_and",
    "logical_or(a)": "bool_or",
    "median(x)": "percentile_cont(0.5) WITHIN GROUP (ORDER BY x)",
    "mode(x)": "mode() WITHIN GROUP (ORDER BY x)",
    "nullifzero(a)": "nullif(a, 0)",
    "nvl(a, b)": "coalesce",
    "nvl2(a, b, c)": "CASE WHEN a IS NOT NULL THEN b ELSE c END",
    "parse_bignumeric(text)": "text::numeric",
    "parse_numeric(text)": "text::numeric",
    "percentile(x, fraction)": CONT,
    "percentile_cont(x, fraction)": CONT,
    "percentile_disc(x, fraction)": DISC,
    "ratio_to_report(a) OVER (spec)": "1.0 * a / nullif(sum(a) OVER (spec), 0)",
    "safe_add(a, b)": f"a + b{TOO_LARGE}",
    "safe_divide(a, b)": "1.0 * a / nullif(b, 0)",
    "safe_multiply(a, b)": f"a * b{TOO_LARGE}",
    "safe_negate(a)": "-a",
    "safe_subtract(a, b)": f"a - b{TOO_LARGE}",
    "signum(a)": "sign",
    "square(a)": "a * a",
    "stdev(a)": "stddev",
    "to_boolean(text)": "text::boolean",
    "to_char(value)": "value::text",
    "to_date(text)": "text::date",
    "to_double(text)": "text::double precision",
    "truncate(a)": "trunc",
    "truncate(a, n)": "trunc",
    "try_to_boolean(value)": TRUTH_OR_NULL,
    "try_to_double(value)": FLOAT_OR_NULL,
    "typeof(value)": "pg_typeof(value) -- whose names of types are those of Postgres",
    "variance_pop(a)": "var_pop",
    "variance_samp(a)": "var_samp",
    "xor(a, b)": "a <> b",
    "zeroifnull(a)": "coalesce(a, 0)",
}

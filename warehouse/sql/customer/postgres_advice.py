"""What to write on Postgres instead of a call, by what the call holds."""

from sqlglot import exp

from warehouse.sql.customer.foreign_postgres import (
    FLOAT_OR_NULL,
    NUMBER_OR_NULL,
    ROUNDED_OR_NULL,
    TIME_OR_NULL,
    TRUTH_OR_NULL,
)
from warehouse.sql.customer.postgres_times import advise_time, list_arguments
from warehouse.sql.customer.written_names import find_written_name, write_path

# What `OVER w` follows: array subscripts are NULL beyond the last value.
PRESENT = "(array_remove(array_agg(a) OVER w, NULL))"
WITHOUT_NULLS = {
    "first_value": f"{PRESENT}[1] and WINDOW w AS (…)",
    "last_value": f"{PRESENT}[count(a) OVER w] and WINDOW w AS (…)",
    "nth_value": f"{PRESENT}[n] and WINDOW w AS (…)",
    "lag": f"{PRESENT}[count(a) OVER w] and WINDOW w AS (ORDER BY b ROWS BETWEEN"
    " UNBOUNDED PRECEDING AND 1 PRECEDING)",
    "lead": f"{PRESENT}[1] and WINDOW w AS (ORDER BY b ROWS BETWEEN 1 FOLLOWING AND"
    " UNBOUNDED FOLLOWING)",
}
# A cast that is NULL where the value has another form, by the name of the type.
CASTS = {
    **dict.fromkeys(("bool", "boolean"), TRUTH_OR_NULL),
    "date": f"{TIME_OR_NULL}date",
    "time": f"{TIME_OR_NULL}time",
    **dict.fromkeys(("datetime", "timestamp_ntz"), f"{TIME_OR_NULL}timestamp"),
    **dict.fromkeys(("double", "double precision", "real", "float8"), FLOAT_OR_NULL),
    **dict.fromkeys(("float", "float64"), FLOAT_OR_NULL),
    **dict.fromkeys(("string", "text", "varchar"), "value::text"),
    **dict.fromkeys(("timestamp", "timestamptz"), f"{TIME_OR_NULL}timestamptz"),
}
# Snowflake rounds a text with a fraction, for BigQuery it is no whole number.
TRY_CASTS = {
    **CASTS,
    **dict.fromkeys(("bigint", "int", "integer", "smallint"), ROUNDED_OR_NULL),
    **dict.fromkeys(("decimal", "number", "numeric"), ROUNDED_OR_NULL),
}
SAFE_CASTS = {
    **CASTS,
    "bool": "CASE WHEN value::text ~* '^(true|false)$' THEN value::text::boolean END",
    "int64": "CASE WHEN value::text ~ '^[-+]?[0-9]{1,18}$' THEN value::text::bigint END",
}
# The element n of a call of these, which count from 0 or from 1.
FROM_ZERO = frozenset({"offset", "safe_offset"})
POSITIONS = FROM_ZERO | {"ordinal", "safe_ordinal"}


def advise_call(node: exp.Expr) -> str:
    """Return what to write instead of a node, by what it holds; "" for most."""
    if isinstance(node, exp.IgnoreNulls):
        call = node.this
        is_known = isinstance(call, exp.Func) and not isinstance(call, exp.Anonymous)
        name = call.sql_name() if is_known else call.name
        return WITHOUT_NULLS.get(name.lower(), "")
    if isinstance(node, exp.TryCast):
        return _advise_cast(node)
    if isinstance(node, exp.Struct):
        return _advise_struct(node)
    name = (find_written_name(node) or node.name).lower()
    arguments = len(list_arguments(node)) if isinstance(node, exp.Func) else 0
    if name in POSITIONS and isinstance(node, exp.Anonymous):
        number = _write_position(node)
        return (
            f"[{number}] behind an array, in brackets, as in (array_agg(a))[{number}],"
        )
    if name == "split" and isinstance(node.parent, exp.Bracket):
        number = _write_position(node.parent.expressions[0])
        return f"(string_to_array(text, ','))[{number}], which counts from 1,"
    return _ADVICE.get((name, arguments), "") or advise_time(node)


# By the name and the number of arguments.
_SIZED = ("number", "decimal", "numeric")
_ADVICE = {
    **{(f"to_{name}", 3): "text::numeric(10, 2)" for name in _SIZED},
    **{
        (f"try_to_{name}", 3): NUMBER_OR_NULL.replace(" END", "(10, 2) END")
        for name in _SIZED
    },
    ("convert_timezone", 3): "time AT TIME ZONE 'source' AT TIME ZONE 'zone'",
    ("datetime", 2): "time AT TIME ZONE 'zone'",
    ("group_concat", 1): "string_agg(value::text, ',')",
    ("listagg", 1): "coalesce(string_agg(value::text, ''), ''), with ORDER BY inside of"
    " string_agg,",
    ("timestamp", 2): "time::timestamp AT TIME ZONE 'zone'",
    ("to_varchar", 2): "to_char(value, 'pattern')",
}


def _write_position(node: exp.Expr) -> str:
    """Return the position from 1 of an array's element: of `[0]`, OFFSET(0), ORDINAL(1)."""
    if isinstance(node, exp.Anonymous):
        first = node.expressions[0] if node.expressions else None
        is_whole = isinstance(first, exp.Literal) and first.is_int
        if first is None or not is_whole:
            return "n"
        return str(int(first.name) + (node.name.lower() in FROM_ZERO))
    # sqlglot has taken one off what was written.
    if isinstance(node, exp.Neg) and node.name == "1":
        return "1"
    return str(int(node.name) + 2) if isinstance(node, exp.Literal) else "n"


def _advise_cast(node: exp.TryCast) -> str:
    """Return the cast to a type that is NULL for what TRY_CAST or SAFE_CAST cannot read."""
    name = find_written_name(node.to) or node.to.sql("postgres")
    is_safe = (find_written_name(node) or "").lower() == "safe_cast"
    casts = SAFE_CASTS if is_safe else TRY_CASTS
    kind, _, sizes = name.lower().partition("(")
    if sizes and casts.get(kind.strip()) == ROUNDED_OR_NULL:
        return NUMBER_OR_NULL.replace("::numeric", f"::numeric({sizes}")
    return casts.get(kind.strip(), "")


def _advise_struct(node: exp.Struct) -> str:
    """Return the call of jsonb_build_object with the names that were written."""
    pairs = []
    for field in node.expressions[:3]:
        is_named = isinstance(field, exp.PropertyEQ | exp.Alias)
        value = field.args.get("expression") or field.this if is_named else field
        text = write_path(value) if isinstance(value, exp.Column) else ""
        name = write_path(field.this) if isinstance(field, exp.PropertyEQ) else ""
        name = name or (field.alias if is_named else value.name)
        pairs.append(f"'{name or 'key'}', {text or '…'}")
    return f"jsonb_build_object({', '.join(pairs)})" if pairs else ""

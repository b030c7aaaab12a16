"""What to write on Postgres instead of a call, by what the call holds."""

import re

from sqlglot import exp

from warehouse.sql.customer.remedies.foreign_postgres import (
    FLOAT_OR_NULL,
    NUMBER_OR_NULL,
    ROUNDED_OR_NULL,
    TRUTH_OR_NULL,
)
from warehouse.sql.customer.remedies.foreign_postgres_times import TIME_OR_NULL
from warehouse.sql.customer.remedies.remedy_forms import fill
from warehouse.sql.customer.written_names import (
    find_written_call,
    find_written_name,
    write_path,
)

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
CAST = re.compile(
    r"(?P<value>.*\S)\s+AS\s+(?P<kind>[A-Za-z]\w*( PRECISION)?)\s*(?P<sizes>\([\d, ]+\))?",
    re.IGNORECASE | re.DOTALL,
)
NAMES = frozenset({"safe_cast", "try_cast"})
POSITIONS = FROM_ZERO | {"ordinal", "safe_ordinal"}


def advise_call(node: exp.Expr) -> str:
    """Return what to write instead of a node, by what it holds; "" for most."""
    if isinstance(node, exp.TryCast):
        return _advise_cast(node)
    if isinstance(node, exp.Struct):
        return _advise_struct(node)
    name = (find_written_name(node) or node.name).lower()
    if name in POSITIONS and isinstance(node, exp.Anonymous):
        number = _write_position(node)
        return (
            f"[{number}] behind an array, in brackets, as in (array_agg(a))[{number}],"
        )
    if name == "split" and isinstance(node.parent, exp.Bracket):
        return _advise_part(node, _write_position(node.parent.expressions[0]))
    return ""


def _advise_part(node: exp.Expr, number: str) -> str:
    """Return one part of a text that SPLIT takes apart; "" if its separator is unknown."""
    call = find_written_call(node)
    if call is None or not 0 < len(call.arguments) < 3:
        return ""
    values = dict(zip(("text", "part"), call.arguments, strict=False))
    sql = f"(string_to_array(text, part))[{number}]"
    return fill(f"{sql} -- which counts from 1", {"part": "','", **values})


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
    call = find_written_call(node)
    written = call and CAST.fullmatch(call.arguments[0])
    if call is None or not written:
        return ""
    value, name, sizes = written["value"], written["kind"].lower(), written["sizes"]
    casts = SAFE_CASTS if call.name.lower() == "safe_cast" else TRY_CASTS
    template = casts.get(" ".join(name.split()), "")
    if sizes:
        sized = NUMBER_OR_NULL.replace("::numeric", f"::numeric{sizes}")
        template = sized if template == ROUNDED_OR_NULL or name == "numeric" else ""
    elif name == "numeric" and casts is SAFE_CASTS:
        template = NUMBER_OR_NULL
    return fill(template, {"value": value}) if template else ""


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

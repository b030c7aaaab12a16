"""What to write on Postgres instead of a call, by what the call holds."""

from sqlglot import exp

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
TIME_OR_NULL = (
    "(jsonb_path_query_first(to_jsonb(value::text), '$.datetime()', '{}', true)"
    " #>> '{}')::"
)
CASTS = {
    "bool": "CASE WHEN value::text ~* '^(true|false|t|f|1|0)$' THEN value::text::boolean END",
    "boolean": "CASE WHEN value::text ~* '^(true|false|t|f|1|0)$' THEN value::text::boolean END",
    "date": f"{TIME_OR_NULL}date",
    "datetime": f"{TIME_OR_NULL}timestamp",
    "string": "value::text",
    "text": "value::text",
    "timestamp": f"{TIME_OR_NULL}timestamptz",
    "timestamptz": f"{TIME_OR_NULL}timestamptz",
    "varchar": "value::text",
}


def advise_call(node: exp.Expr) -> str:
    """Return what to write instead of a node, by what it holds; "" for most."""
    if isinstance(node, exp.IgnoreNulls):
        call = node.this
        is_known = isinstance(call, exp.Func) and not isinstance(call, exp.Anonymous)
        name = call.sql_name() if is_known else call.name
        return WITHOUT_NULLS.get(name.lower(), "")
    if isinstance(node, exp.TryCast):
        name = find_written_name(node.to) or node.to.sql("postgres")
        return CASTS.get(name.partition("(")[0].strip().lower(), "")
    if isinstance(node, exp.Struct):
        return _advise_struct(node)
    return ""


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

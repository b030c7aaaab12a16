"""Calls of every form that a table of remedies covers, and calls that have more."""

from collections.abc import Iterator

from warehouse.sql.customer.dialects import DIALECTS
from warehouse.sql.customer.remedies.remedy_forms import WORD, Form

# A value for each name that a form takes values of one kind for.
SAMPLES = {
    "begin": "2", "condition": "TRUE", "count": "5", "following": "9", "hundredths": "90", "date_unit": "month", "dollar": "'a.b'", "dollar_path": "'$.a'", "first_key": "'a'", "second_key": "'b'", "dotted": "'a.b'",
    "interval": "month", "format": "'%Y-%m'", "fraction": "0.9", "kind": "INT", "literal": "'YYYY'", "m": "1",
    "mysql_plain": "'%Y-%m'", "plain": "'%Y-%m'", "mysql_format": "'%Y-%m'", "order": "b DESC", "path": "'$.a'", "percent": "0.9",
    "rest": "'key', 'other'", "scale": "1", "source": "'UTC'", "spec": "ORDER BY b",
    "step": "MONTH", "time_unit": "hour", "unit": "month", "weekday": "'fr'", "zone": "'UTC'",
}  # fmt: skip
MORE = "added_value"
TAILS = (
    f"OVER (PARTITION BY {MORE})",
    f"FILTER (WHERE {MORE})",
    f"IGNORE NULLS OVER (ORDER BY {MORE})",
    f"WITHIN GROUP (ORDER BY {MORE})",
)


def list_forms(dialect: str) -> Iterator[tuple[str, Form]]:
    for name, forms in DIALECTS[dialect].forms.items():
        for form in forms:
            yield name, form


def write_call(form: Form) -> str:
    """Return a call of a form, whose values are the names of the form."""
    arguments = ", ".join(map(_write_part, form.call.arguments))
    return f"{form.call.name}({arguments}) {_write_part(form.call.tail)}".strip()


def write_longer_calls(form: Form) -> Iterator[str]:
    """Yield calls that mean something else than the form: with an argument, a clause …."""
    arguments = list(map(_write_part, form.call.arguments))
    name, tail = form.call.name, _write_part(form.call.tail)
    yield f"{name}({', '.join([*arguments, MORE])}) {tail}"
    yield f"{name}({', '.join([*arguments, MORE, MORE])}) {tail}"
    if arguments:
        rest = ", ".join(arguments[1:])
        ending = f", {rest}" if rest else ""
        if "DISTINCT" not in arguments[0]:
            yield f"{name}(DISTINCT {arguments[0]}{ending}) {tail}"
        yield f"{name}({arguments[0]} HAVING MAX {MORE}{ending}) {tail}"
        yield f"{name}({arguments[0]} IGNORE NULLS{ending}) {tail}"
        yield f"{name}({', '.join(arguments)} ORDER BY {MORE}) {tail}"
    if not tail:
        for added in TAILS:
            yield f"{name}({', '.join(arguments)}) {added}"


def _write_part(pattern: str) -> str:
    words = [SAMPLES.get(word, word) for word in WORD.findall(pattern)]
    return (
        " ".join(words)
        .replace("[ ", "[")
        .replace(" (", " (")
        .replace("- >", "->")
        .replace("= >", "=>")
    )

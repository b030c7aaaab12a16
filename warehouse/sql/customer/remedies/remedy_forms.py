"""Remedies of calls: which form of a call each covers, and the text with the call's own values.

A table has a form as its key and a template as its value: `charindex(part, text)` and
`strpos(text, part)`. Small letters in a form are names for what the author wrote; capitals,
texts and numbers stand for themselves. A name that KINDS knows takes values of its kind alone.
`rest` takes all further arguments. What follows ` -- ` in a template is a note.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from warehouse.sql.customer.remedies import remedy_values
from warehouse.sql.customer.written_calls import (
    WrittenCall,
    find_closing,
    read_call,
    split_list,
    strip_inner,
)

NOTE = " -- "
NOTHING_ELSE = (
    "of the same meaning for these arguments and clauses. Compute it by other functions,"
    " or in a view."
)
REST, SPEC = "rest", "spec"
# What stands in OVER (…), and behind ORDER BY.
RAW = frozenset({SPEC, "order"})
# Words that give an argument another meaning: a name in a form takes none of them.
CLAUSES = re.compile(
    r"\b(AS|ASC|DESC|DISTINCT|FROM|HAVING|IGNORE|INTERVAL|LIMIT|ORDER|PLACING|RESPECT|SEPARATOR"
    r"|TO|USING)\b|=>",
    re.IGNORECASE,
)
NULLS = re.compile(r"\b(IGNORE|RESPECT)\s+NULLS\b", re.IGNORECASE)
SIMPLE = re.compile(r"(\w+|\"[^\"]*\"|`[^`]*`)(\.(\w+|\"[^\"]*\"))*|'[^']*'|\d+\.\d+")
# A longer value is not repeated: its name in the form stands for it.
LONGEST = 80
# A longer argument is not searched for the words of a form, which could take long.
LONGEST_PART = 400
WORD = re.compile(r"[A-Za-z_]\w*|'[^']*'|\d+|\S")


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a call, and the text to write instead."""

    call: WrittenCall
    template: str


def build_forms(table: Mapping[str, str]) -> dict[str, tuple[Form, ...]]:
    """Return the forms of a table by the name of the function."""
    forms = defaultdict(list)
    for key, template in table.items():
        call = read_call(key)
        assert call is not None, key
        forms[call.name].append(Form(call, template))
    return {name: tuple(each) for name, each in forms.items()}


def advise(
    call: WrittenCall, forms: Mapping[str, tuple[Form, ...]], name: str = ""
) -> str:
    """Return the text to write instead of a call; "" if no form covers it."""
    for form in forms.get((name or call.name).lower(), ()):
        values = _match(form.call, call, keeps_tail=form.template.isidentifier())
        if values is not None:
            return fill(form.template, values)
    return ""


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return a template with values in place of their names."""
    sql, note, said = template.partition(NOTE)
    shown = {
        name: remedy_values.KINDS[name](value) or name
        if name in remedy_values.KINDS
        else value
        for name, value in values.items()
    }
    short = {
        name: value if len(value) <= LONGEST and "\n" not in value else name
        for name, value in shown.items()
    }
    text = _substitute(sql, short)
    return f"{text}, {said}," if note else text


def _match(
    form: WrittenCall, call: WrittenCall, *, keeps_tail: bool
) -> dict[str, str] | None:
    """Return the values of a form's names in a call; None if it is of another form."""
    patterns, arguments = list(form.arguments), list(call.arguments)
    if keeps_tail and not form.tail:  # another name keeps what is in and behind a call
        return {} if len(patterns) == len(arguments) else None
    values: dict[str, str] = {}
    if patterns[-1:] == [REST]:
        patterns.pop()
        rest = arguments[len(patterns) :]
        del arguments[len(patterns) :]
        if not all(_is_of_kind(REST, each) for each in rest):
            return None
        values[REST] = ", ".join(rest)
    pairs = list(zip(patterns, arguments, strict=False))
    if len(patterns) != len(arguments):
        return None
    for pattern, written in [*pairs, (form.tail, call.tail)]:
        found = _match_part(pattern, written)
        if found is None or any(values.get(n, v) != v for n, v in found.items()):
            return None
        values |= found
    return values


def _match_part(pattern: str, written: str) -> dict[str, str] | None:
    """Return the values of the names in one argument, or in what stands behind a call."""
    is_long = len(written) > LONGEST_PART and not pattern.isidentifier()
    match = None if is_long else _compile(pattern).fullmatch(written)
    if match is None:
        return None
    values = {name: value.strip() for name, value in match.groupdict().items()}
    return values if all(map(_is_of_kind, values, values.values())) else None


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    words = WORD.findall(pattern)
    text, before = "", ""
    for word in words:
        is_apart = before[-1:].isalnum() and word[0].isalnum()
        name = f"(?P<{word}>.{'*' if word == SPEC else '+'})"
        text += r"\s+" if is_apart else r"\s*"
        text += name if word[0].islower() else re.escape(word)
        before = word
    return re.compile(text, re.IGNORECASE | re.DOTALL)


def _is_of_kind(name: str, value: str) -> bool:
    if name in remedy_values.KINDS:
        return bool(remedy_values.KINDS[name](value))
    if name in RAW:
        return not NULLS.search(value)
    outside = strip_inner(value)
    if value.count("'") % 2 or value.count("(") != value.count(")"):
        return False  # the end of one text, up to the begin of another
    is_whole = len(list(split_list(value))) == 1 and value != "*" and "--" not in value
    return is_whole and "/*" not in value and not CLAUSES.search(outside)


def _substitute(sql: str, values: Mapping[str, str]) -> str:
    """Return a template with values: inside of its quotes only for names in braces."""
    if not values:
        return sql
    names = "|".join(map(re.escape, values))
    pattern = re.compile(rf"'[^']*'|(?<![\w.@])(?<!::)\b({names})\b(?!\s*\()")

    def replace(match: re.Match[str]) -> str:
        if not match[1]:
            return re.sub(rf"\{{({names})\}}", lambda inner: values[inner[1]], match[0])
        value = values[match[1]]
        before, after = sql[: match.start()].rstrip(), sql[match.end() :].lstrip()
        is_apart = before[-1:] in {"", "(", "[", ","} and after[:1] in {
            "",
            ")",
            ",",
            "]",
        }
        is_apart |= match[1] in RAW
        return value if is_apart or _is_simple(value) else f"({value})"

    return pattern.sub(replace, sql)


def _is_simple(value: str) -> bool:
    """Return whether a value needs no brackets beside an operator."""
    call = re.match(r"\w*\(", value)
    closed = call and find_closing(value, call.end() - 1) == len(value) - 1
    return bool(closed or SIMPLE.fullmatch(value) or value == "@start_date")

"""The refusal of a call: what to write instead, or that there is nothing of its form."""

from sqlglot import exp

from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import ADVICE, locate, refuse
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.remedies import (
    postgres_advice,
    postgres_times,
    remedy_forms,
)
from warehouse.sql.customer.written_calls import WrittenCall
from warehouse.sql.customer.written_names import (
    find_written_call,
    find_written_name,
    is_written_as_call,
)

SAFE = "safe."
AROUND = (exp.IgnoreNulls, exp.WithinGroup, exp.Window)


def refuse_call(
    kind: str,
    name: str,
    node: exp.Expr,
    dialect: Dialect,
    otherwise: str = "",
    written: WrittenCall | None = None,
) -> RefusedError:
    """Return the error for a call, or a clause of one, that is not allowed.

    A remedy means the same as the call with all of its arguments and clauses. Where no
    form of a known function is the call's, the error says so. `otherwise` is the advice
    for a name that no form has, `written` the call where its node does not know it.
    """
    if written:
        advice = remedy_forms.advise(written, dialect.forms)
    else:
        advice = advise_call(node, name, dialect)
    if not advice and (written or _is_known(node, name, dialect)):
        return RefusedError(
            f"The {kind} {name} is not allowed{locate(node)}: {dialect.title} has no one"
            f" call {remedy_forms.NOTHING_ELSE}"
        )
    return refuse(kind, name, node, advice or otherwise)


def advise_call(node: exp.Expr, name: str, dialect: Dialect) -> str:
    """Return what to write instead of a call, with its own values; "" if nothing fits."""
    if isinstance(node, exp.Dot) and not name.lower().startswith(SAFE):
        return ""  # a function of a schema is the customer's own
    inner = _find_call(node)
    is_postgres = dialect.name == "postgres"
    if is_postgres and (text := postgres_advice.advise_call(node)):
        return text
    call = find_written_call(inner)
    if call is None:
        return ""
    text = remedy_forms.advise(call, dialect.forms, _find_name(inner, dialect))
    if is_postgres and not text:
        text = postgres_times.advise_time(inner)
    is_safe = is_postgres and name.lower().startswith(SAFE)
    if is_safe and not text and not _is_known(node, name, dialect):
        text = name[len(SAFE) :]
    if is_safe and text:
        return f"{text.removesuffix(',')}, which fails where SAFE is NULL,"
    return text


def _is_known(node: exp.Expr, name: str, dialect: Dialect) -> bool:
    """Return whether a remedy of a call depends on its form."""
    if not is_written_as_call(_find_call(node)):
        return False  # such as UNNEST(…) in FROM
    is_general = name.lower() in ADVICE and name.lower() not in dialect.forms
    if isinstance(node, exp.Dot) and not name.lower().startswith(SAFE):
        return False
    special = postgres_times.NAMES | postgres_advice.NAMES
    is_special = dialect.name == "postgres" and name.lower() in special
    return is_special or (
        not is_general and _find_name(_find_call(node), dialect) in dialect.forms
    )


def _find_name(node: exp.Expr, dialect: Dialect) -> str:
    """Return the name of a call in the table: as it was written, or sqlglot's own."""
    name = (find_written_name(node) or node.name).lower()
    if name in dialect.forms or not isinstance(node, exp.Func):
        return name
    return name if isinstance(node, exp.Anonymous) else node.sql_name().lower()


def _find_call(node: exp.Expr) -> exp.Expr:
    """Return the call that a clause belongs to, or that stands behind SAFE."""
    if isinstance(node, exp.HavingMax) and node.parent:
        return node.parent
    inner: exp.Expr = node.expression if isinstance(node, exp.Dot) else node
    while isinstance(inner, AROUND):
        inner = inner.this
    return inner

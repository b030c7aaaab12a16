"""Messages of refusals: where in the customer's text, and what to write instead."""

import re

from sqlglot import exp
from sqlglot.errors import SqlglotError

from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.written_names import find_written_name, write_path

# What to write instead of a function or construct, by its name in a message.
ADVICE = {
    "current_database": "the name itself, in quotes",
    "current_schema": "the name itself, in quotes",
    "current_user": "the name itself, in quotes",
    "error": "NULL",
    "FOR SYSTEM_TIME AS OF": "the table as it is now",
    "PIVOT": "one column for each value, sum(CASE WHEN b = 'x' THEN a END) AS x,",
    "UNPIVOT": "one SELECT for each column, with UNION ALL between them,",
    "clock_timestamp": "now()",
    "first_value": "a WITH query that leaves the NULLs out",
    "gen_random_uuid": "a column of the row",
    "generate_uuid": "a column of the row",
    "IGNORE NULLS": "FILTER (WHERE … IS NOT NULL), or a WITH query without the NULLs",
    "LAMBDA": "UNNEST or LATERAL with a WHERE",
    "OPERATOR": "the operator alone",
    "rand": "a hash of a column, such as md5",
    "random": "a hash of a column, such as md5",
    "repeat": "the text itself",
    "rpad": "lpad, or the text itself",
    "session_user": "the name itself, in quotes",
    "sysdate": "CURRENT_TIMESTAMP()",
    "TABLESAMPLE": "a WHERE",
    "TABLE SAMPLE": "a WHERE",
    "uuid": "a column of the row",
    "uuid_generate_v4": "a column of the row",
    # Snowflake
    "AT or BEFORE of a table": "a WHERE over a time of the row",
    "CONNECT BY": "WITH RECURSIVE with a bound, or one join per level,",
    "MATCH_RECOGNIZE": "LAG, LEAD or CONDITIONAL_TRUE_EVENT with QUALIFY",
    "SAMPLE of a table": "a WHERE over a hash, such as MOD(ABS(HASH(id)), 10) = 0,",
    "MODEL ATTRIBUTE": "a table that holds the model's results",
    "NEXTVAL": "ROW_NUMBER() OVER (ORDER BY …)",
    "current_account": "the name itself, in quotes",
    "current_role": "the name itself, in quotes",
    "current_warehouse": "the name itself, in quotes",
    "randstr": "a hash of a column, such as md5",
    "result_scan": "the query itself",
    "uniform": "a hash of a column, such as md5",
    "uuid_string": "a column of the row",
}

FIRST_OF_EACH = "QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) = 1"
START_DATE = "@start_date"
ONE_PARAMETER = (
    f"write {START_DATE} for the start date, the only parameter that a query may have, and"
    " other values as they are."
)
UNFINISHED = (
    "The query is unfinished: nothing stands behind {word}{line}. Write what belongs there,"
    " or leave it out."
)
FROM_FIRST = (
    "A query that begins with FROM is not allowed{line}: write SELECT … FROM …."
)
TEMPLATE_REMEDY = (
    f"write names and values as they are, and {START_DATE} for the start date."
)

# Where there is nothing better to say, by the kind of what is refused.
GENERAL_ADVICE = {
    "function": "leave it out, or compute it by other functions",
    "name": "use another name",
    "type": "cast to another type, such as text or numeric",
}

# Clauses of a SELECT, or a table, whose key in sqlglot is not their name.
CLAUSES = {
    "cluster": "CLUSTER BY",
    "connect": "CONNECT BY",
    "distribute": "DISTRIBUTE BY",
    "laterals": "LATERAL VIEW",
    "locks": "FOR UPDATE",
    "match": "MATCH_RECOGNIZE",
    "sort": "SORT BY",
    "when": "AT or BEFORE",
}
# Functions as which sqlglot writes others: YEAR(ts) as EXTRACT, DATEDIFF with a CAST.
REWRITTEN = frozenset({"CASE", "CAST", "EXTRACT", "PERCENTILE_CONT", "SUM"})

# What is an operator where it has no name of a function.
OPERATORS: dict[type[exp.Expr], str] = {
    exp.JSONBExtract: "#>",
    exp.JSONBExtractScalar: "#>>",
    exp.RegexpILike: "~*",
}

# Words of SQL that are the names of sqlglot's classes too. Other names of classes are not
# the author's words: the text of the node is shown in their place.
CLASS_WORDS = frozenset(
    {
        "ALL", "ANY", "AT TIME ZONE", "BETWEEN", "CUBE", "DELETE", "DISTINCT", "ESCAPE",
        "EXCEPT", "FETCH", "FILTER", "GROUPING SETS", "HAVING MAX", "IGNORE NULLS",
        "ILIKE", "INSERT", "INTERSECT", "INTERVAL", "INTO", "JOIN", "LAMBDA", "LATERAL",
        "LIKE", "LIMIT", "MATCH RECOGNIZE", "MERGE", "MODEL ATTRIBUTE", "NOT", "OFFSET",
        "OPERATOR", "OVERLAPS", "PIVOT", "PRIOR", "QUALIFY", "RESPECT NULLS", "RETURNING",
        "ROLLUP", "SELECT", "SIMILAR TO", "TABLE SAMPLE", "UNION", "UPDATE", "VALUES",
        "VARIADIC", "WINDOW", "WITH", "WITHIN GROUP",
    }
)  # fmt: skip
MAX_SHOWN_CHARACTERS = 40

# What sqlglot raises where a function lacks an argument, or has one of another kind.
UNWRITABLE = (AttributeError, LookupError, TypeError, ValueError, SqlglotError)


def refuse(kind: str, name: str, node: exp.Expr, advice: str = "") -> RefusedError:
    """Return the error for a function, construct, clause … that is not allowed."""
    advice = advice or ADVICE.get(name) or ADVICE.get(name.lower(), "")
    general = GENERAL_ADVICE.get(kind, "leave it out")
    remedy = f"write {advice} instead" if advice else general
    return RefusedError(f"The {kind} {name} is not allowed{locate(node)}: {remedy}.")


def locate(node: exp.Expr) -> str:
    """Return ` (line 3)`: where a node, or else what is around it, stands in the text."""
    return write_line(find_line(node))


def find_line(node: exp.Expr) -> int | None:
    """Return the line of a node, or else of what is around it; None if it is unknown."""
    around: exp.Expr | None = node
    while around is not None:
        for part in around.walk():
            if line := part.meta.get("line"):
                return int(line)
        around = around.parent
    return None


def write_line(line: int | None) -> str:
    """Return ` (line 3)` for a message, or nothing if the line is unknown."""
    return f" (line {line})" if line else ""


def describe_kind(node: exp.Expr) -> str:
    """Return what a node is to its author: a function, an operator, a type …."""
    called = node.expression if isinstance(node, exp.Dot) else node
    if isinstance(node, exp.ObjectIdentifier):
        return "type"
    if _is_braced(node):
        return "construct"
    if type(node) in OPERATORS and not find_written_name(node):
        return "operator"
    return "function" if isinstance(called, exp.Func | exp.Aliases) else "construct"


def describe_node(node: exp.Expr, grammar: str) -> str:
    """Return a name that the query's author knows: as it was written, if it was."""
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
        is_schema = isinstance(node.this, exp.Identifier | exp.Dot)
        schema = f"{write_path(node.this)}." if is_schema else ""
        return f"{schema}{describe_node(node.expression, grammar)}"
    if isinstance(node, exp.Anonymous | exp.Aliases):
        return node.name or write_path(node.this)  # `DATABASE(x)` has Aliases
    if name := find_written_name(node) or _name_clause(node):
        return name
    if _is_braced(node):
        return "{…}"
    if isinstance(node, exp.Func):
        call = re.match(r"\w+(?=\()", _write_call(node, grammar))
        name = call[0] if call and call[0] not in REWRITTEN else node.sql_name()
        return name.lower()
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()
    return words if words in CLASS_WORDS else _shorten(_write_call(node, grammar))


def _shorten(text: str) -> str:
    """Return the beginning of a text, or dots where there is none."""
    is_long = len(text) > MAX_SHOWN_CHARACTERS
    return f"{text[:MAX_SHOWN_CHARACTERS]}…" if is_long else text or "…"


def _name_clause(node: exp.Expr) -> str | None:
    if isinstance(node, exp.HavingMax):
        return "HAVING MAX" if node.args.get("max") else "HAVING MIN"
    return OPERATORS.get(type(node))


def _is_braced(node: exp.Expr) -> bool:
    """Return whether a node is `{'key': value}`, which sqlglot takes for STRUCT(…)."""
    return isinstance(node, exp.Struct) and not find_written_name(node)


def describe_source(node: exp.Expr, grammar: str) -> str:
    """Return the name of a function in FROM, with its schema if it has one."""
    around = node.parent
    is_source = isinstance(around, exp.Table) and around.this is node
    schema = around.parts[:-1] if is_source and isinstance(around, exp.Table) else []
    return ".".join([*map(write_path, schema), describe_node(node, grammar)])


def refuse_unwritable(query: exp.Expr, grammar: str) -> RefusedError:
    """Return the error for a query of which sqlglot cannot write some function."""
    for call in reversed(list(query.find_all(exp.Func))):  # arguments before their call
        if not _write_call(call, grammar):
            name = f"The function {describe_node(call, grammar)}"
            return RefusedError(
                f"{name} cannot be read{locate(call)}: check the number of its arguments."
            )
    return RefusedError(
        "The query cannot be read: check the number of each function's arguments."
    )


def _write_call(node: exp.Expr, grammar: str) -> str:
    """Return the text of a call, or nothing if sqlglot cannot write it."""
    try:
        return node.sql(dialect=grammar)
    except UNWRITABLE:
        return ""

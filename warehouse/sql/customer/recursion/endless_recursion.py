"""WITH queries that can be told to read themselves forever.

Where the data end a recursion (a tree of folders) the text does not tell when. Refused is
one in which a row that passes the conditions of the second branch passes them in every
later round: there is none, or it compares what no round moves towards a limit. One that a
LIMIT reads in part ends there.
"""

from sqlglot import exp

from warehouse.sql.customer.allowlists import allowlist_postgres
from warehouse.sql.customer.messages import locate
from warehouse.sql.customer.recursion import column_trends, lasting_conditions
from warehouse.sql.customer.recursion.column_trends import Round, Trend
from warehouse.sql.customer.recursion.recursion_steps import is_reading, list_sources
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.written_names import write_alias

MAX_LIMIT = 1_000_000  # a higher one ends nothing in time
ROW_NODES = (exp.Explode, exp.ExplodingGenerateSeries, exp.Lateral, exp.Unnest)
# These read all rows before they return the first.
READS_ALL = ("group", "distinct", "order", "having", "windows")
MOVING = frozenset({Trend.RISES, Trend.FALLS})


def refuse_endless(clause: exp.With) -> None:
    """Raise RefusedError at a query of a recursive WITH that can never end."""
    for cte in clause.expressions:
        rounds = column_trends.find_rounds(cte)
        is_endless = any(
            _is_endless(cte, round_) and not _is_cut_by_cycle(clause, cte, round_)
            for round_ in rounds
        )
        if is_endless and not is_read_in_part(cte, clause):
            raise RefusedError(
                f"The recursive WITH query {write_alias(cte)} never ends{locate(cte)}:"
                f" {_describe_cause(rounds)}. In its second branch move a column towards a"
                " limit and require it, without an OR that is always true, such as"
                " SELECT n + 1 … WHERE n < 1000."
            )


def _describe_cause(rounds: list[Round]) -> str:
    conditions = [round_.branch.args.get("where") for round_ in rounds]
    joins = [round_.branch.args.get("joins") for round_ in rounds]
    if not any(conditions) and not any(joins):
        return "no condition ends it"
    return "no round changes what its condition compares, or only away from the limit"


def _is_endless(cte: exp.Expr, round_: Round) -> bool:
    """Return whether every round returns a row if the first one does."""
    if cte.this.args.get("distinct") and not MOVING & set(round_.trends.values()):
        return False  # rows that were there already are left out
    branch = round_.branch
    if branch.args.get("having") or branch.args.get("group") or makes_rows(branch):
        return False
    return lasting_conditions.lasts_forever(round_)


def _is_cut_by_cycle(clause: exp.With, cte: exp.Expr, round_: Round) -> bool:
    """Return whether a CYCLE ends it, where a column has a value that it had before."""
    if cte is not clause.expressions[-1]:
        return False
    searches = (clause.args.get("search"), clause.args.get("cycle"))
    return any(
        search.args.get("kind") == "CYCLE"
        and round_.trends.get(search.name) not in MOVING
        for search in searches
        if search
    )


def makes_rows(branch: exp.Select) -> bool:
    """Return whether rows come from something that may be empty, as an array."""
    is_complex = any(
        not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier)
        for source in list_sources(branch)
    )
    is_natural = any(join.method for join in branch.args.get("joins") or ())
    calls = branch.find_all(exp.Anonymous)
    return (
        is_complex
        or is_natural
        or branch.find(*ROW_NODES) is not None
        or any(
            call.name.lower() in allowlist_postgres.TABLE_FUNCTIONS for call in calls
        )
    )


def is_read_in_part(cte: exp.Expr, clause: exp.With) -> bool:
    """Return whether every query that reads a WITH query takes its first rows alone."""
    query = clause.parent
    readings = [
        table
        for table in (query.find_all(exp.Table) if query else ())
        if is_reading(table, cte) and not _is_inside(table, cte)
    ]
    return all(_is_limited(table) for table in readings)


def _is_inside(node: exp.Expr, around: exp.Expr) -> bool:
    parent = node.parent
    while parent is not None and parent is not around:
        parent = parent.parent
    return parent is around


def _is_limited(table: exp.Expr) -> bool:
    query = table.find_ancestor(exp.Select)
    while query is not None and not any(map(query.args.get, READS_ALL)):
        if query.find(exp.Window) or allowlist_postgres.calls_aggregate(query):
            return False
        limit = query.args.get("limit")
        rows = limit and (limit.args.get("expression") or limit.args.get("count"))
        if isinstance(rows, exp.Literal) and rows.is_int:
            return int(rows.name) <= MAX_LIMIT
        query = query.find_ancestor(exp.Select)
    return False

"""SQL dialects of warehouses: parameters, quoting, system schemas, allow-lists."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from warehouse.sql.customer.allowlists import (
    allowlist,
    allowlist_engines,
    allowlist_postgres,
    allowlist_snowflake,
)
from warehouse.sql.customer.grammars import (
    by_dialect,
    grammar_bigquery,
    grammar_postgres,
)
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.remedies import (
    foreign_bigquery,
    foreign_bigquery_times,
    foreign_postgres,
    foreign_postgres_json,
    foreign_postgres_texts,
    foreign_postgres_times,
    foreign_snowflake,
    foreign_snowflake_calls,
    functions_bigquery,
    remedy_forms,
)
from warehouse.sql.customer.remedies.remedy_forms import Form


@dataclass(frozen=True, slots=True)
class Dialect:
    """One dialect, named as sqlglot names it.

    `start_date` replaces `@start_date` in a metric, `source_start_date` in an assignment
    source: one statement holds both and gives them two values. `is_system` tells whether
    a schema (in lower case) is the warehouse's own. `catalogs` tells whether a table may
    have three parts. `table_names` is a pattern for the whole name of a table.
    `forbidden_names` are names, in lower case, that no identifier may have.
    `table_functions` may stand in FROM. `folds_names` tells whether the warehouse changes
    the case of a name without quotes, `fields` whether `(…).name` reads a field.
    `recursion` tells whether a WITH query may name itself, `recursion_bound` whether only
    one that the text ends; else limits of time and disk do.
    `system_types` is a pattern for names of types that are not a customer's own. `series`
    is the function that a calendar can be made of, `row_functions` names examples for FROM.
    `advice` is what to write instead of clauses and types of other dialects, `forms` what
    instead of calls, by the form of the call. `title` is the dialect's name in a message.
    """

    name: str
    start_date: str
    source_start_date: str
    is_system: Callable[[str], bool]
    catalogs: bool = False
    nodes: frozenset[type[exp.Expr]] = allowlist.NODES
    functions: frozenset[str] = frozenset()
    types: frozenset[exp.DType] = allowlist.TYPES
    table_clauses: frozenset[str] = allowlist.TABLE_CLAUSES
    select_clauses: frozenset[str] = allowlist.SELECT_CLAUSES
    table_names: str = r"(?s).+"
    forbidden_names: frozenset[str] = frozenset()
    table_functions: frozenset[str] = frozenset()
    folds_names: bool = True
    fields: bool = False
    recursion: bool = False
    system_types: str = r"(?s).*"
    recursion_bound: bool = False
    series: str = "generate_series"
    row_functions: str = "jsonb_array_elements, unnest or FLATTEN"
    advice: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, tuple[Form, ...]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Return the dialect's name as its maker writes it."""
        return {"bigquery": "BigQuery"}.get(self.name, self.name.capitalize())

    @property
    def grammar(self) -> str:
        """sqlglot's name of the dialect that reads customers' text."""
        return by_dialect.GRAMMARS[self.name]


def _is_postgres_system(schema: str) -> bool:
    return schema.startswith("pg_") or schema == "information_schema"


POSTGRES = Dialect(
    name="postgres",
    start_date="CAST($2 AS TIMESTAMPTZ)",
    source_start_date="CAST($1 AS TIMESTAMPTZ)",
    is_system=_is_postgres_system,
    nodes=allowlist_postgres.NODES,
    functions=grammar_postgres.KEPT_FUNCTIONS,
    types=allowlist_postgres.TYPES,
    table_functions=allowlist_postgres.TABLE_FUNCTIONS,
    system_types=allowlist_postgres.SYSTEM_TYPES,
    recursion=True,
    advice=foreign_postgres.ADVICE,
    forms=remedy_forms.build_forms(
        foreign_postgres.FORMS
        | foreign_postgres_json.FORMS
        | foreign_postgres_texts.FORMS
        | foreign_postgres_times.FORMS
    ),
)
# Each query text has only one of the two start dates, so a question mark serves for both.
SNOWFLAKE = Dialect(
    name="snowflake",
    start_date="CAST(? AS TIMESTAMPTZ)",
    source_start_date="CAST(? AS TIMESTAMPTZ)",
    is_system=allowlist_snowflake.is_system,
    catalogs=True,
    nodes=allowlist_snowflake.NODES,
    functions=allowlist_snowflake.FUNCTIONS,
    types=allowlist_snowflake.TYPES,
    table_clauses=allowlist_engines.TABLE_CLAUSES,
    select_clauses=allowlist_engines.SELECT_CLAUSES,
    forbidden_names=allowlist_snowflake.FORBIDDEN_NAMES,
    fields=True,
    recursion=True,
    recursion_bound=True,
    advice=foreign_snowflake.ADVICE,
    forms=remedy_forms.build_forms(foreign_snowflake_calls.FORMS),
)
BIGQUERY = Dialect(
    name="bigquery",
    start_date="@start_date",
    source_start_date="@source_start_date",
    is_system=allowlist_engines.is_bigquery_system,
    catalogs=True,
    nodes=allowlist_engines.BIGQUERY_NODES,
    functions=(
        allowlist_engines.BIGQUERY_FUNCTIONS
        | allowlist_engines.GEOGRAPHY_FUNCTIONS
        | grammar_bigquery.KEPT_FUNCTIONS
    ),
    types=allowlist_engines.BIGQUERY_TYPES,
    table_clauses=allowlist_engines.TABLE_CLAUSES,
    select_clauses=allowlist_engines.SELECT_CLAUSES,
    table_names=allowlist_engines.BIGQUERY_TABLE_NAMES,
    folds_names=False,
    fields=True,
    series="GENERATE_DATE_ARRAY",
    row_functions="UNNEST",
    advice=functions_bigquery.ADVICE,
    forms=remedy_forms.build_forms(
        foreign_bigquery.FORMS | foreign_bigquery_times.FORMS
    ),
)
DIALECTS = {dialect.name: dialect for dialect in (POSTGRES, SNOWFLAKE, BIGQUERY)}


def get_dialect(name: str) -> Dialect:
    """Return a dialect by name. Raises RefusedError if it is not supported."""
    if name not in DIALECTS:
        raise RefusedError(f"Queries in the dialect {name} are not supported yet.")
    return DIALECTS[name]

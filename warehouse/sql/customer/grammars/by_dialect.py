"""The grammar that reads and writes each dialect, by sqlglot's name of the dialect."""

from warehouse.sql.customer.grammars.grammar_bigquery import CustomerBigQuery
from warehouse.sql.customer.grammars.grammar_postgres import CustomerPostgres
from warehouse.sql.customer.grammars.grammar_snowflake import CustomerSnowflake

GRAMMARS = {
    "postgres": CustomerPostgres.__name__.lower(),
    "snowflake": CustomerSnowflake.__name__.lower(),
    "bigquery": CustomerBigQuery.__name__.lower(),
}

"""Who is to blame for an error code of Postgres: the statement, or its server.

One table for a customer's server and for the managed store.
"""

# Errors of the connection, where the client says that they end it.
CONNECTION_STATES = ("08", "57P", "28", "3D")
# The classes of codes that blame the statement, or the data that it reads, also in what
# the customer's own functions raise. The server is to blame for all others: conflicts
# with other transactions (40), the state of ours or of our cursor (24, 25, 26, 34), its
# operators (57), resources (53), files (58) and bugs (XX), and codes of no Postgres.
STATEMENT_CLASSES = frozenset(
    {
        *("0A", "0F", "10", "20", "21", "22", "23", "2F", "38", "39", "3F", "42"),
        *("44", "54", "55", "P0"),
    }
)
# A write, as by nextval; a temporary file beyond the server's limit for one statement.
STATEMENT_STATES = frozenset({"25006", "53400"})
# Another transaction keeps what the statement reads (55P03).
SERVER_STATES = frozenset({"55P03"})


def blames_statement(state: str) -> bool:
    """Return whether a code (SQLSTATE) blames the statement, not its server."""
    is_of_class = state[:2] in STATEMENT_CLASSES and state not in SERVER_STATES
    return is_of_class or state in STATEMENT_STATES

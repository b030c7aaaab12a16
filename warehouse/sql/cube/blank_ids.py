"""Ids of white space only: they name no user, so nobody is counted by them.

Ingestion and serve refuse them, and some more (levered_site.anonymous_ids); in customers'
tables, and in rows of earlier versions, they are found by these characters.
"""

# No vertical tab, for which Snowflake's literals have no escape.
BLANKS = " \t\n\f\r"
BLANKS_IN_POSTGRES = r"E' \t\n\f\r'"


def build_blank_condition(anonymous_id: str, blanks: str) -> str:
    """Build the condition under which an id is empty or blank; null for a null.

    `blanks` is SQL of BLANKS as text.
    """
    return f"TRANSLATE({anonymous_id}, {blanks}, '') = ''"

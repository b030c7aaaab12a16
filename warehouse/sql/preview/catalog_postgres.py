"""Queries for the tables and columns that a Postgres role may read, system ones aside."""

import re

# The first part of a name, and what stands behind its dot.
FIRST_PART = re.compile(r'("(?:[^"]|"")+"|[^".]+)\.(.+)', re.DOTALL)

# The session is read only whatever the role may do. $1 is true.
SELECT_ROLE = """SELECT r.rolsuper AS is_superuser, EXISTS (
  SELECT
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%'
    AND n.nspname <> 'information_schema' AND has_schema_privilege(n.oid, 'USAGE')
    AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
) AS may_write
FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user AND CAST($1 AS boolean)"""

# Names what the role has privileges for, on some columns at least. $1 limits the rows;
# $2 is a part of "schema.name", in any case.
SELECT_TABLES = """SELECT n.nspname AS schema, c.relname AS name,
       CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
         WHEN 'f' THEN 'foreign table' ELSE 'table' END AS type,
       CASE WHEN c.reltuples >= 0 AND c.relkind IN ('r', 'm', 'p')
         THEN CAST(c.reltuples AS bigint) END AS rows
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT c.relispartition
  AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
  AND strpos(lower(n.nspname || '.' || c.relname), lower(CAST($2 AS text))) > 0
ORDER BY 1, 2
LIMIT CAST($1 AS integer)"""

# $1 is the schema of a table that is named without one, $2 the name: with or without a
# schema, with or without quotes. Names may hold dots, so the whole is compared: first as
# it is, then with what has no quotes in lower case, as Postgres folds it (ASCII alone).
SELECT_COLUMNS = """WITH named AS (
  SELECT c.oid
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (
    SELECT CAST(n.nspname AS text) AS schema, CAST(c.relname AS text) AS name,
           '"' || replace(n.nspname, '"', '""') || '"' AS quoted_schema,
           '"' || replace(c.relname, '"', '""') || '"' AS quoted_name
  ) AS t
  CROSS JOIN (
    SELECT 1 AS place, CAST($2 AS text) AS name
    UNION ALL
    SELECT 2, string_agg(
      CASE WHEN parts.part[1] LIKE '"%' THEN parts.part[1]
        ELSE lower(parts.part[1] COLLATE "C") END, '' ORDER BY parts.place)
    FROM regexp_matches(CAST($2 AS text), '("(?:[^"]|"")*"|[^"]+|")', 'g')
      WITH ORDINALITY AS parts (part, place)
  ) AS folded
  WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p')
    AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    AND (t.schema = CAST($1 AS text) AND folded.name IN (t.name, t.quoted_name)
      OR folded.name IN (
        t.schema || '.' || t.name, t.quoted_schema || '.' || t.quoted_name,
        t.schema || '.' || t.quoted_name, t.quoted_schema || '.' || t.name))
  ORDER BY folded.place, t.schema || '.' || t.name = folded.name DESC, 1
  LIMIT 1
)
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       NOT a.attnotnull AS nullable
FROM pg_catalog.pg_attribute AS a
JOIN named ON named.oid = a.attrelid
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped
  AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
ORDER BY a.attnum"""


def leave_out_database(table: str, database: str) -> str | None:
    """Return a table's name without the connected database before it; None without one.

    The database is named as a query names it: without quotes it is in lower case.
    """
    parts = FIRST_PART.fullmatch(table)
    if not parts:
        return None
    first, rest = parts[1], parts[2]
    is_quoted = first.startswith('"')
    names = {first[1:-1].replace('""', '"')} if is_quoted else {first, first.lower()}
    return rest if database in names else None

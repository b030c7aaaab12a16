"""A database of the last release is migrated, and keeps what it holds."""

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

ROOT = Path(__file__).parents[1]
# Written by that release's own service: pg_dump --inserts of one optimization that was
# served, trained and given a candidate.
LAST_RELEASE = ROOT / "tests/releases/0.1.0-preview.sql.gz"
TABLES = (
    *("optimizations_optimization", "optimizations_regime", "assignments", "decisions"),
    *("managed_exposures", "managed_rewards", "models_app_policyversion"),
    *("optimizations_cubeday", "optimizations_candidate", "metrics_metric"),
)


@contextmanager
def database_of_last_release() -> Iterator[str]:
    """Give the URL of a database beside the tests' own that holds the dump."""
    name, server = f"release_{os.getpid()}", settings.DATABASE_URL
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        address = psycopg.conninfo.conninfo_to_dict(server)
        try:
            with psycopg.connect(server, dbname=name, autocommit=True) as loading:
                loading.execute(gzip.decompress(LAST_RELEASE.read_bytes()))
            yield f"postgres://{address['user']}@/{name}?host={address['host']}"
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            admin.execute(drop.format(sql.Identifier(name)))


def count_rows(database_url: str) -> dict[str, int]:
    """Count the rows of every table that matters."""
    counts = {}
    with psycopg.connect(database_url) as connection:
        for table in TABLES:
            count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            row = connection.execute(count).fetchone()
            counts[table] = row[0] if row else 0
    return counts


def manage(database_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py against that database."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.django_db(transaction=True)
def test_a_database_of_the_last_release_is_migrated_and_keeps_its_rows() -> None:
    with database_of_last_release() as database_url:
        before = count_rows(database_url)

        migrated = manage(database_url, "migrate", "--no-input")
        pending = manage(database_url, "migrate", "--check")
        checked = manage(database_url, "check", "--database", "default")

        assert migrated.returncode == 0, migrated.stderr
        assert pending.returncode == 0, pending.stdout
        assert checked.returncode == 0, checked.stderr
        assert count_rows(database_url) == before
        assert all(before.values()), before


def list_files(database_url: str) -> dict[str, int]:
    """Return the file of each partition: another one means that rows were rewritten."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT relname, pg_relation_filenode(oid) FROM pg_class WHERE relkind = 'r'"
            " AND (relname LIKE 'assignments_%' OR relname LIKE 'decisions_%')"
        ).fetchall()
    return dict(rows)


@pytest.mark.django_db(transaction=True)
def test_the_columns_of_draws_come_and_go_without_rewriting_a_row() -> None:
    with database_of_last_release() as database_url:
        manage(database_url, "migrate", "optimizations", "0005")
        before, files = count_rows(database_url), list_files(database_url)

        forward = manage(database_url, "migrate", "optimizations", "0006")
        rules = "SELECT DISTINCT draw_rule, redraw FROM decisions"
        with psycopg.connect(database_url) as connection:
            values = connection.execute(rules).fetchall()
        files_after = list_files(database_url)
        backward = manage(database_url, "migrate", "optimizations", "0005")

        assert forward.returncode == backward.returncode == 0, backward.stderr
        assert values == [(0, 0)]
        assert len(files) > 16
        assert files_after == list_files(database_url) == files
        assert count_rows(database_url) == before


@pytest.mark.django_db(transaction=True)
def test_the_summaries_of_the_last_release_are_listed_and_marked_as_not_judged() -> (
    None
):
    with database_of_last_release() as database_url:
        migrated = manage(database_url, "migrate", "--no-input")

        assert migrated.returncode == 0, migrated.stderr
        with psycopg.connect(database_url) as connection:
            rows = connection.execute(
                """
                SELECT s.exposures = (v.report #>> '{summary,exposures}')::bigint,
                  s.lift IS NOT DISTINCT FROM (v.report #>> '{summary,lift}')::float8,
                  s.judged_at IS NULL, s.check_reasons #>> '{0,code}'
                FROM optimizations_resultssummary AS s
                JOIN optimizations_optimization AS o ON o.id = s.optimization_id
                JOIN models_app_banditmodel AS m ON m.id = o.model_id
                JOIN models_app_policyversion AS v
                  ON v.model_id = m.id AND v.number = m.policy_version
                """
            ).fetchall()
    assert rows == [(True, True, True, "not_judged")]

"""CSV of the API on the output, with what speaks against it on the error output."""

import sys
from collections.abc import Iterable
from contextlib import nullcontext

import click
from rich.console import Console

from levered.csv_pages import CsvPage, keep_rows


def print_pages(pages: Iterable[CsvPage], most: int | None = None) -> None:
    """Print pages as one table, of `most` rows at most.

    Raise ClickException if the columns change from one page to the next.
    """
    console, printed, header = Console(stderr=True), 0, None
    status = console.status("")
    # Nobody watches a file: nothing is drawn there.
    with status if console.is_terminal else nullcontext():
        for page in pages:
            if header is None:
                header = page.header
                _print_bytes(header)
                _warn(page)
            elif page.header != header:
                raise click.ClickException(
                    "the columns changed while the rows were read; read them again"
                )
            kept = page if most is None else keep_rows(page, most - printed)
            _print_bytes(kept.lines)
            printed += kept.count
            status.update(f"{printed:,} rows")
            if printed == most:
                break


def _warn(page: CsvPage) -> None:
    """Say what a reader of the rows must know, in the error output."""
    if page.health and page.health != "ok":
        click.echo(f"health: {page.health}", err=True)
    for warning in page.warnings:
        click.echo(f"warning: {warning}", err=True)
    if page.unavailable:
        click.echo(f"rows are left out: {page.unavailable}", err=True)
    if page.is_truncated:
        click.echo("there are more rows; narrow the search or see --limit", err=True)


def _print_bytes(content: bytes) -> None:
    """Write bytes as they are: Windows would double the line ends of a text."""
    click.echo(content, nl=False)
    sys.stdout.flush()

"""One run of the command line: where it goes, as whom, and how it prints."""

import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import click
from rich.console import Console, RenderableType
from rich.live import Live

from levered.cli.config import Config
from levered.cli.csv_output import print_pages
from levered.cli.tables import (
    Column,
    Row,
    build_table,
    find_field,
    write_compact,
    write_csv,
    write_json,
)
from levered.client import Levered
from levered.errors import ApiError

WIDE = 240
SHORTEST_ID = 4


def _open_console() -> Console:
    """Return the console; rows of a file or a pipe are not broken at 80 columns."""
    return Console(width=None if sys.stdout.isatty() else WIDE)


class NotFoundError(click.ClickException):
    """Nothing has the name that was given."""

    exit_code = 4


@dataclass(slots=True)
class Session:
    """Shared by all commands. `output` is table, json or csv.

    `is_elsewhere` says that the address is not the environment's, so that nothing that
    was kept for that is sent, and nothing is kept. `is_named` says that the command, or
    LEVERED_ENV, named the environment.
    """

    config: Config
    environment: str
    url: str
    credential: str
    output: str = "table"
    is_elsewhere: bool = False
    is_named: bool = False
    console: Console = field(default_factory=_open_console)
    _client: Levered | None = None

    @property
    def client(self) -> Levered:
        """The client, made when it is first needed."""
        if self._client is None:
            self._client = Levered(self.url, self.credential)
        return self._client

    def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            self._client.close()

    def show_rows(
        self,
        columns: Sequence[Column],
        rows: Iterable[Any],
        *,
        title: str = "",
        document: Any = None,
    ) -> None:
        """Print rows; JSON is the document, or a list of the rows."""
        listed = list(rows)
        if self.output == "json":
            click.echo(write_json(listed if document is None else document))
        elif self.output == "csv":
            click.echo(write_csv(columns, listed), nl=False)
        elif not listed:
            click.echo(f"{title}: none" if title else "none")
        else:
            self.console.print(build_table(title, columns, listed))

    def show_fields(
        self, document: Any, fields: Sequence[Column], *, title: str = ""
    ) -> None:
        """Print fields of one document, a line each; JSON is all of it."""
        if self.output == "json":
            click.echo(write_json(document))
            return
        self.console.print(build_fields(document, fields, title=title))

    def take_csv(
        self,
        *parts: object,
        body: object = None,
        most: int | None = None,
        **params: object,
    ) -> None:
        """Print the API's CSV of a path, all pages of it, or `most` rows.

        What speaks against the rows goes to the error output, and how many there are so
        far, while somebody watches.
        """
        path = "".join(f"/{quote(str(part), safe='')}" for part in parts)
        pages = self.client.iterate_csv(path, body, **params)
        print_pages(pages, most)

    def say(self, text: str, document: Any = None) -> None:
        """Print a sentence; JSON is the document."""
        if self.output == "json":
            click.echo(write_json({"message": text} if document is None else document))
        else:
            click.echo(text)

    def watch(
        self,
        read: Callable[[], Any],
        render: Callable[[Any], RenderableType],
        seconds: float,
    ) -> None:
        """Print a document again and again, until Ctrl-C; JSON takes a line each."""
        try:
            if self.output == "json":
                self._print_lines(read, seconds)
            with Live(render(read()), console=self.console, auto_refresh=False) as live:
                while True:
                    time.sleep(seconds)
                    live.update(render(read()), refresh=True)
        except KeyboardInterrupt:
            return

    def _print_lines(self, read: Callable[[], Any], seconds: float) -> None:
        while True:
            click.echo(write_compact(read()))
            time.sleep(seconds)

    def find_optimization(self, text: str) -> str:
        """Return the id of an optimization by its id, a beginning of it, or its name.

        Raise NotFoundError if there is none, and UsageError if there are several.
        """
        if _is_id(text):
            return text.lower()
        rows = self.client.optimizations.list(include_archived=True)
        return _choose_id(rows, text, "optimization")

    def find_metric(self, text: str) -> str:
        """Return the id of a metric by its id, a beginning of it, or its name.

        Raise NotFoundError if there is none, and UsageError if there are several.
        """
        if _is_id(text):
            return text.lower()
        return _choose_id(self.client.metrics.list(), text, "metric")

    def find_key(self, text: str) -> str:
        """Return the id of an API key by its id, a beginning of it, or its label.

        Raise NotFoundError if there is none, and UsageError if there are several.
        """
        if _is_id(text):
            return text.lower()
        return _choose_id(self.client.api_keys.list(), text, "API key", "label")

    def find_note(self, optimization_id: str, text: str) -> str:
        """Return the id of a note by its id, a beginning of it, or its text.

        Raise NotFoundError if there is none, and UsageError if there are several.
        """
        if _is_id(text):
            return text.lower()
        rows = self.client.optimizations.notes(optimization_id)
        return _choose_id(rows, text, "note", "text")

    def find_share_link(self, optimization_id: str, text: str) -> str:
        """Return the id of a share link by its id, a beginning of it, or its label.

        Raise NotFoundError if there is none, and UsageError if there are several.
        """
        if _is_id(text):
            return text.lower()
        rows = self.client.optimizations.share_links(optimization_id)
        return _choose_id(rows, text, "share link", "label")

    def find_kept(self, kind: str) -> str:
        """Return a credential that was kept for this address, or nothing."""
        if self.is_elsewhere:
            return ""
        return self.config.find_credential(self.environment, kind)

    def find_model(self, text: str) -> str:
        """Return the id of a model by its own id, or by its optimization."""
        if _is_id(text):
            try:
                return self.client.models.get(text)["id"]
            except ApiError as error:
                if error.status != 404:
                    raise
        optimization = self.client.optimizations.get(self.find_optimization(text))
        return optimization["model_id"]


def build_fields(
    document: Row, fields: Sequence[Column], *, title: str = ""
) -> RenderableType:
    """Return fields of a document as two columns."""
    rows = [
        {
            "name": column.heading or column.field.replace("_", " "),
            "value": column.render(find_field(document, column.field)),
        }
        for column in fields
    ]
    table = build_table(title, [Column("name"), Column("value")], rows)
    table.show_header = False
    return table


def _choose_id(
    rows: Iterable[Mapping[str, Any]], text: str, kind: str, field: str = "name"
) -> str:
    """Return the id of the row of this name, else of the one whose id begins so.

    A very short text is no id: an unset variable of a shell must not find anything.
    """
    listed = list(rows)
    found = [row for row in listed if row[field] == text]
    if not found and len(text) >= SHORTEST_ID:
        found = [row for row in listed if row["id"].startswith(text.lower())]
    if not found:
        raise NotFoundError(f"no {kind} is called {text}")
    if len(found) > 1:
        ids = ", ".join(row["id"] for row in found)
        raise click.UsageError(f"several {kind}s are called {text}; give an id: {ids}")
    return str(found[0]["id"])


def warn_of_namesakes(
    rows: Iterable[Mapping[str, Any]],
    created: Mapping[str, Any],
    kind: str,
    field: str = "name",
) -> None:
    """Print a warning if another one has the name, which then finds neither."""
    name = created[field]
    if any(row[field] == name and row["id"] != created["id"] for row in rows):
        click.echo(
            f"warning: another {kind} is called {name}, too; commands need an id",
            err=True,
        )


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True

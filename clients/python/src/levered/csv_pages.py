"""Rows of the API as CSV, page after page."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote, urlsplit

from levered.errors import UnusableAnswerError
from levered.exchange import Answer, Request
from levered.management.calls import build_request
from levered.transport import BASE_PATH

LINE_END, QUOTE = b"\r\n", b'"'
NEXT_LINK = re.compile(r'<([^>]*)>\s*;\s*rel="next"')
NO_CSV = "the service answers this without CSV: it may be older than this client"


@dataclass(frozen=True, slots=True)
class CsvPage:
    """A page as it came: the line of names, the lines of rows, and what is said of them.

    Attributes
    ----------
    health: status and reasons, as `broken; reasons="sample_ratio"`; "" if there is none.
    unavailable: why rows are left out; "" if none are.
    warnings: what looks wrong with a query.
    is_truncated: whether the answer says that there are more rows than it has.

    """

    header: bytes
    lines: bytes
    count: int
    health: str
    unavailable: str
    warnings: tuple[str, ...]
    is_truncated: bool

    @property
    def content(self) -> bytes:
        """The whole page."""
        return self.header + self.lines


def build_csv_request(
    method: str, path: str, body: object, params: Mapping[str, object]
) -> Request:
    """Build a call that asks for CSV. `path` is below /api/v2, and quoted."""
    return build_request(
        method,
        f"{BASE_PATH}{path}",
        body,
        params=params,
        headers={"Accept": "text/csv"},
    )


def read_page(answer: Answer) -> CsvPage:
    """Read a page. Raise UnusableAnswerError for an answer that is no CSV."""
    if not answer.headers.get("content-type", "").startswith("text/csv"):
        raise UnusableAnswerError(NO_CSV)
    ends = list(_find_line_ends(answer.content))
    end = ends[0] if ends else len(answer.content)
    return CsvPage(
        header=answer.content[:end],
        lines=answer.content[end:],
        count=len(ends) - 1,
        health=answer.headers.get("x-health", ""),
        unavailable=unquote(answer.headers.get("x-unavailable", "")),
        warnings=_read_warnings(answer.headers.get("x-warnings", "")),
        is_truncated=answer.headers.get("x-truncated", "") == "true",
    )


def _read_warnings(header: str) -> tuple[str, ...]:
    return tuple(unquote(text) for text in header.split(", ")) if header else ()


def keep_rows(page: CsvPage, count: int) -> CsvPage:
    """Return a page with its first rows only."""
    if count >= page.count:
        return page
    ends = [0, *_find_line_ends(page.lines)]
    return replace(page, lines=page.lines[: ends[count]], count=count)


def find_next_request(request: Request, answer: Answer) -> Request | None:
    """Return the request for the page that an answer links to, if there is one."""
    link = NEXT_LINK.search(answer.headers.get("link", ""))
    if link is None:
        return None
    return replace(request, params=dict(parse_qsl(urlsplit(link[1]).query)))


def _find_line_ends(content: bytes) -> Iterator[int]:
    """Yield where each line ends; a line end within quotes is part of a cell."""
    place = 0
    for index, part in enumerate(content.split(QUOTE)):
        if index % 2 == 0:  # outside of quotes
            for match in re.finditer(LINE_END, part):
                yield place + match.end()
        place += len(part) + len(QUOTE)

"""A shop's web site of plain files, and a browser that visits it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support import chromium

# Headless chromium names itself a crawler.
PERSON = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0 Safari/537.36"
TIMEOUT_MS = 15_000


@dataclass(frozen=True, slots=True)
class Site:
    """The folder of the site's files, and the origin that serves them."""

    folder: Path
    origin: str


class _Files(SimpleHTTPRequestHandler):
    """The site's files, which pages without an origin may load too."""

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print nothing."""


@contextmanager
def run_site(folder: Path) -> Iterator[Site]:
    """Serve the files of a folder."""
    handler = partial(_Files, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(
            target=server.serve_forever, args=(0.02,), daemon=True
        )
        thread.start()
        yield Site(folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


@contextmanager
def run_browser() -> Iterator[Browser]:
    """Run a browser of a person."""
    # As an argument: a page's own user agent is not that of its last beacon.
    with chromium.run_browser(f"--user-agent={PERSON}") as browser:
        yield browser


def wait_until(page: Page, is_reached: Callable[[], bool]) -> None:
    """Wait while the page goes on; fail after a while."""
    for _ in range(TIMEOUT_MS // 50):
        if is_reached():
            return
        page.wait_for_timeout(50)
    pytest.fail("waited in vain")

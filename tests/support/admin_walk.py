"""Walks pages of the admin as people meet them: each width, light and dark, with axe.

`admin_walk` is a fixture: `admin_walk.visit(address)` for each page, and at the end
`admin_walk.assert_clean()`. What it finds is collected, so that one run tells all.
"""

from dataclasses import dataclass, field
from importlib import resources
from typing import Literal

import pytest
from playwright.sync_api import ConsoleMessage, Page, Request, Response
from pytest_django.live_server_helper import LiveServer

HEIGHT = 900
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, Scheme] = ("light", "dark")
# Each page is looked at in each width; every second page is loaded dark. By axe as it is
# loaded and wide, and in the other scheme and narrow: the other two would show the same
# rules broken by the same elements, on this page or on the next one.
# (is in the scheme that was loaded, width, is looked at by axe)
LOOKS = (
    (True, 1400, True),
    (True, 768, False),
    (False, 360, True),
)
REPORTED = ("moderate", "serious", "critical")
# Parts that the page loads after it; each replaces itself.
IS_COMPLETE = (
    "() => !document.querySelector('[hx-trigger=load], .htmx-request, .htmx-swapping')"
    " && [...document.images].every((image) => image.complete)"
)
IS_SCROLLED_SIDEWAYS = """() => {
  const root = document.documentElement;
  return Math.max(root.scrollWidth, document.body.scrollWidth) > root.clientWidth;
}"""
# What Unfold does when it loads a page in a scheme; pages without it follow the browser.
# Colors change at once.
SET_SCHEME = """(isDark) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*, *::before, *::after { transition: none !important }");
  document.adoptedStyleSheets = [sheet];
  const root = document.documentElement;
  if (root.hasAttribute("x-data")) root.classList.toggle("dark", isDark);
}"""
IS_DARK = """() => {
  const root = document.documentElement;
  return root.hasAttribute("x-data") ? root.classList.contains("dark")
    : matchMedia("(prefers-color-scheme: dark)").matches;
}"""
RUN_AXE = """() => axe.run(document, {resultTypes: ["violations"]}).then((found) =>
  found.violations.flatMap((one) => one.nodes.map((node) => ({
    impact: one.impact,
    text: `${one.id} (${one.impact}): ${node.target.join(" ")} `
      + `${node.html.slice(0, 120)} ${node.any[0]?.message ?? one.help}`,
  }))))"""
MAX_SHOWN = 60


def read_axe() -> str:
    """Return axe-core's script."""
    file = resources.files("axe_playwright_python").joinpath("axe.min.js")
    return file.read_text(encoding="utf-8")


@dataclass
class AdminWalk:
    """A page that is led from address to address, and what is wrong with them.

    Attributes
    ----------
    expected_status: of the page being visited; its own status is then no failure.
    scheme: in which pages are loaded.
    origin: of the service, the only host that pages may ask.

    """

    page: Page
    axe: str
    origin: str
    problems: dict[str, list[str]] = field(default_factory=dict)
    visited: list[str] = field(default_factory=list)
    is_leaving: bool = False
    address: str = ""
    expected_status: int = 200
    scheme: Scheme = "light"

    def listen(self) -> None:
        """Collect what goes wrong between the visits, too."""
        self.page.on("console", self._hear_console)
        self.page.on("pageerror", lambda error: self._note(f"error: {error}"))
        self.page.on("request", self._hear_request)
        self.page.on("requestfailed", self._hear_failure)
        self.page.on("response", self._hear_response)

    def visit(self, address: str, status: int = 200) -> None:
        """Open an address and look at it; every second page is loaded as a dark one."""
        self.address, self.expected_status = address, status
        self.prefer(SCHEMES[len(self.visited) % 2])
        self.is_leaving = True
        answer = self.page.goto(address)
        self.is_leaving = False
        if answer is None or answer.status != status:
            self._note(f"status {answer and answer.status}, not {status}")
        self.inspect()
        self.visited.append(address)

    def prefer(self, scheme: Scheme) -> None:
        """Let pages load light or dark from now on."""
        self.scheme = scheme
        self._emulate(scheme)

    def _emulate(self, scheme: Scheme) -> None:
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")

    def _show(self, scheme: Scheme) -> None:
        """Show the page that is open in a scheme."""
        self._emulate(scheme)
        self.page.evaluate(SET_SCHEME, scheme == "dark")

    def inspect(self, where: str = "") -> None:
        """Look at the page as it is now, in each width, light and dark."""
        self.page.wait_for_function(IS_COMPLETE)
        self.page.evaluate(self.axe)
        if self.page.evaluate(IS_DARK) != (self.scheme == "dark"):
            self._note(f"is not {self.scheme}", where)
        for is_as_loaded, width, is_by_axe in LOOKS:
            is_dark = is_as_loaded == (self.scheme == "dark")
            self._show(SCHEMES[is_dark])
            self.page.set_viewport_size({"width": width, "height": HEIGHT})
            place = f"{where} {width} px, {SCHEMES[is_dark]}".lstrip()
            self._look_for_scrolling(place)
            if is_by_axe:
                self.look(place)
        self._show(self.scheme)
        if self.page.evaluate("() => 'Chart' in window"):
            self._note("Chart.js is loaded")

    def _look_for_scrolling(self, where: str) -> None:
        if self.page.evaluate(IS_SCROLLED_SIDEWAYS):
            self._note("scrolls sideways", where)

    def look(self, where: str) -> None:
        """Collect what axe finds wrong in this moment."""
        violations: list[dict[str, str]] = self.page.evaluate(RUN_AXE)
        for violation in violations:
            if violation["impact"] in REPORTED:
                self._note(violation["text"], where)

    def assert_clean(self) -> None:
        """Fail with all that was found, unless that is nothing."""
        assert self.visited, "no page was visited"
        found = [
            f"{problem}\n    at {', '.join(places[:4])}"
            + (f" and {len(places) - 4} more" if len(places) > 4 else "")
            for problem, places in self.problems.items()
        ]
        assert not found, "\n".join([f"{len(found)}:", *found[:MAX_SHOWN]])

    def _note(self, problem: str, where: str = "") -> None:
        place = f"{self.address} {where}".rstrip()
        self.problems.setdefault(problem, []).append(place)

    def _is_expected(self, status: int, url: str) -> bool:
        return status == self.expected_status and url.endswith(self.address)

    def _hear_console(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        # Of a page that is not there the browser says so.
        url = message.location.get("url", "")
        if f"status of {self.expected_status} " in message.text and url.endswith(
            self.address
        ):
            return
        self._note(f"console: {message.text}")

    def _hear_request(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "data:")):
            self._note(f"asks another host: {request.url}")

    def _hear_failure(self, request: Request) -> None:
        if self.is_leaving and request.failure == "net::ERR_ABORTED":
            return  # a question that the page before still asked
        self._note(f"failed: {request.url} {request.failure}")

    def _hear_response(self, response: Response) -> None:
        if response.status >= 400 and not self._is_expected(
            response.status, response.url
        ):
            self._note(f"status {response.status}: {response.url}")
        if "/chart/" in response.url:
            self._note(f"Chart.js is asked for: {response.url}")


@pytest.fixture
def admin_walk(page: Page, live_server: LiveServer) -> AdminWalk:
    """Return a walk of the admin in a browser that nobody has logged in yet."""
    walk = AdminWalk(page, read_axe(), live_server.url)
    walk.listen()
    walk.prefer("light")
    return walk

"""Debian's chromium, as the browser tests start it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connections
from playwright.sync_api import Browser, expect, sync_playwright

from tests.support.running_service import PATIENCE

PATH = Path("/usr/bin/chromium")
# Playwright waits 5 s for what is expected. On a busy machine an action takes longer.
expect.set_options(timeout=5_000 * PATIENCE)
# Each window would load two pages for the address bar, which nobody sees: more work than all
# else of opening it. Of two such lists Chromium takes the last one, so that those parts of
# Playwright's own list that matter here are repeated.
UNUSED_FEATURES = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"),
    *("HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "MediaRouter"),
    *("OptimizationHints", "PaintHolding", "ThirdPartyStoragePartitioning"),
    *("DestroyProfileOnBrowserClose", "AvoidUnnecessaryBeforeUnloadCheckSync"),
    *("NetworkTimeServiceQuerying", "PreconnectToSearch"),
)
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(UNUSED_FEATURES)}",
]


@contextmanager
def run_browser(*arguments: str) -> Iterator[Browser]:
    """Run a browser, for the tests of a module: each opens a context of its own.

    It must end with the module. Meanwhile an event loop runs in this thread, in which
    other tests could not run theirs.
    """
    with sync_playwright() as playwright:
        # In that loop Django would refuse database access. The tests use the database
        # between the browser's steps.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        browser = playwright.chromium.launch(
            executable_path=str(PATH), args=[*ARGUMENTS, *arguments]
        )
        try:
            yield browser
        finally:
            browser.close()
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    connections.close_all()

"""Command: optimizations screenshot, by a headless Chromium or from a file."""

import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from levered.cli.options import printing, refuse_together
from levered.cli.session import NotFoundError, Session

SERVED = "**/api/v2/optimizations/**"
BROWSER = "LEVERED_CHROMIUM"
ERROR_STATUS = 400


@click.command("screenshot")
@click.argument("optimization")
@click.option("--url", help="The page; every variant of it is rendered.")
@click.option(
    "--file",
    "source",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
)
@click.option("--variant", type=int, help="This variant only; needed with --file.")
@click.option(
    "--wait", default=1.0, show_default=True, help="Seconds until it is drawn."
)
@printing()
@click.pass_obj
def take_screenshots(
    session: Session,
    optimization: str,
    url: str | None,
    source: Path | None,
    variant: int | None,
    wait: float,
) -> None:
    """Upload a picture of each variant of a page.

    The page is opened in a headless Chromium that answers its decisions itself, so
    nobody is counted. Set LEVERED_CHROMIUM to use an installed one.
    """
    refuse_together(url=url, file=source)
    if source is None and not url:
        raise click.UsageError("give --url or --file")
    if source is not None and variant is None:
        raise click.UsageError("--file needs --variant")
    name = session.find_optimization(optimization)
    optimizations = session.client.optimizations
    uploaded: list[int] = []

    def upload(number: int, png: bytes) -> None:
        optimizations.put_screenshot(name, number, png)
        uploaded.append(number)

    if source is not None and variant is not None:
        upload(variant, source.read_bytes())
    elif url:
        _render(url, name, _list_variants(session, name, variant), wait, upload)
    numbers = ", ".join(map(str, uploaded))
    document = {"optimization_id": name, "uploaded": uploaded}
    session.say(f"uploaded variant {numbers}", document)


def _list_variants(session: Session, name: str, number: int | None) -> list[Any]:
    """Return all variants, or the one of a number. Raise NotFoundError without it."""
    variants = session.client.optimizations.variants(name)["variants"]
    found = [each for each in variants if number in {None, each["number"]}]
    if not found:
        raise NotFoundError(f"there is no variant {number}")
    return found


class UnreachablePageError(click.ClickException):
    """The page does not open."""

    exit_code = 6


def _render(
    url: str,
    optimization_id: str,
    variants: Sequence[Any],
    wait: float,
    upload: Callable[[int, bytes], None],
) -> None:
    library = _load_playwright()
    try:
        with library.sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=os.environ.get(BROWSER) or None, args=["--no-sandbox"]
            )
            with click.progressbar(
                variants, label="rendering", file=sys.stderr
            ) as shown:
                for each in shown:
                    page = browser.new_page(viewport={"width": 1280, "height": 800})
                    page.route(SERVED, _build_answer(optimization_id, each))
                    _open_page(library, page, url)
                    page.wait_for_timeout(wait * 1000)
                    upload(each["number"], page.screenshot())
                    page.close()
            browser.close()
    except library.Error as error:
        raise click.ClickException(f"the browser: {_read_reason(error)}") from error


def _open_page(library: Any, page: Any, url: str) -> None:
    """Open a page. Raise UnreachablePageError where that fails, or it is an error page."""
    try:
        response = page.goto(url)
    except library.Error as error:
        reason = _read_reason(error)
        raise UnreachablePageError(f"{url} does not open: {reason}") from error
    if response is not None and response.status >= ERROR_STATUS:
        raise UnreachablePageError(f"{url} answers {response.status}")


def _read_reason(error: Exception) -> str:
    """Return the first line of what a browser says, which is followed by its log."""
    lines = str(error).strip().splitlines()
    return lines[0].removeprefix("Page.goto: ") if lines else type(error).__name__


def _build_answer(
    optimization_id: str, variant: Mapping[str, Any]
) -> Callable[..., None]:
    """Return a handler that serves one variant, and lets other requests pass."""

    def answer(route: Any) -> None:
        path = route.request.url.partition("?")[0]
        if path.endswith("best-variants"):
            asked = json.loads(route.request.post_data or "{}")
            ids = asked.get("optimization_ids", [])
            decisions = [_build_decision(each, variant) for each in ids]
            route.fulfill(json={"decisions": decisions}, headers=CORS)
        elif path.endswith((f"{optimization_id}/serve", "best-variant")):
            route.fulfill(json=_build_decision(optimization_id, variant), headers=CORS)
        else:
            route.continue_()

    return answer


CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}


def _build_decision(optimization_id: str, variant: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "optimization_id": optimization_id,
        "variant": variant["variant"],
        "variant_number": variant["number"],
        "variant_key": variant["variant_key"],
        "in_holdout": False,
        "policy_version": 0,
        "propensity": 1.0,
    }


def _load_playwright() -> Any:
    try:
        return importlib.import_module("playwright.sync_api")
    except ImportError as error:
        message = "this needs playwright: pip install './clients/python[screenshot]'"
        raise click.ClickException(message) from error


COMMANDS = (take_screenshots,)

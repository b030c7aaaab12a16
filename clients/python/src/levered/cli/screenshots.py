"""Command: optimizations screenshot, by a headless Chromium or from a file."""

import importlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from levered.cli.session import Session

SERVED = "**/api/v2/optimizations/**"
BROWSER = "LEVERED_CHROMIUM"


@click.command("screenshot")
@click.argument("optimization")
@click.option("--url", help="The page; every variant of it is rendered.")
@click.option("--file", "source", type=click.Path(exists=True, path_type=Path))
@click.option("--variant", type=int, help="This variant only; needed with --file.")
@click.option(
    "--wait", default=1.0, show_default=True, help="Seconds until it is drawn."
)
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
    name = session.find_optimization(optimization)
    optimizations = session.client.optimizations
    if source is not None:
        if variant is None:
            raise click.UsageError("--file needs --variant")
        optimizations.put_screenshot(name, variant, source.read_bytes())
        click.echo(f"uploaded variant {variant}")
        return
    if not url:
        raise click.UsageError("give --url or --file")
    variants = [
        each
        for each in optimizations.variants(name)["variants"]
        if variant in {None, each["number"]}
    ]

    def upload(number: int, png: bytes) -> None:
        optimizations.put_screenshot(name, number, png)

    _render(url, name, variants, wait, upload)


def _render(
    url: str,
    optimization_id: str,
    variants: Any,
    wait: float,
    upload: Callable[[int, bytes], None],
) -> None:
    with _load_playwright().sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get(BROWSER) or None, args=["--no-sandbox"]
        )
        with click.progressbar(variants, label="rendering") as shown:
            for each in shown:
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.route(SERVED, _build_answer(optimization_id, each))
                page.goto(url)
                page.wait_for_timeout(wait * 1000)
                upload(each["number"], page.screenshot())
                page.close()
        browser.close()


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

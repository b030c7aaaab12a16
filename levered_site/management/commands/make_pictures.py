"""`make_pictures`: take the pictures of README and docs from a service with the demo."""

import os
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.test import Client
from django.urls import reverse
from playwright.sync_api import sync_playwright
from tqdm import tqdm

from levered_site.demo import pictures
from levered_site.demo.pictures import PICTURES, Picture
from optimizations.models import Optimization

CHROMIUM = Path("/usr/bin/chromium")


class Command(BaseCommand):
    """Take the pictures again."""

    help = "Take the pictures of README and docs, for `make pictures`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare names: those of the pictures to take, all without one."""
        parser.add_argument("names", nargs="*", metavar="NAME")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Draw the demo's screenshots, then take the pictures."""
        url = os.environ.get("LEVERED_URL", "http://localhost:3100").rstrip("/")
        if not CHROMIUM.exists():
            raise CommandError(f"{CHROMIUM} is missing: install Debian's chromium.")
        chosen = [
            picture
            for picture in PICTURES
            if not options["names"] or picture.name in options["names"]
        ]
        addresses = [_find_address(picture) for picture in chosen]
        with _log_in() as session, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox"]
            )
            for path in pictures.draw_screenshots(browser):
                tqdm.write(f"{path} {path.stat().st_size:,} bytes")
            for picture, address in zip(tqdm(chosen), addresses, strict=True):
                path = pictures.take_picture(browser, picture, url + address, session)
                tqdm.write(f"{path} {path.stat().st_size:,} bytes")
            browser.close()


def _find_address(picture: Picture) -> str:
    if picture.world is None:
        return reverse("admin:index")
    found = Optimization.objects.filter(name__startswith=picture.world.name)
    newest = found.order_by("-updated_at").first()
    if newest is None:
        raise CommandError(
            f"There is no optimization “{picture.world.name}”: run `make demo` first."
        )
    return reverse(f"admin:optimizations_optimization_{picture.tab}", args=[newest.pk])


@contextmanager
def _log_in() -> Iterator[str]:
    """Yield a session of a superuser, which ends afterwards."""
    users = get_user_model().objects.filter(is_superuser=True, is_active=True)
    user = users.order_by("pk").first()
    if user is None:
        raise CommandError("There is no superuser: run `make run` once.")
    client = Client()
    client.force_login(user)
    try:
        yield client.cookies[settings.SESSION_COOKIE_NAME].value
    finally:
        client.logout()

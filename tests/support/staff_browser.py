"""What staff do in a browser before anything else."""

from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.support import staff_world


def log_in(page: Page) -> None:
    """Log in with the form."""
    staff_world.make_superuser(password=staff_world.PASSWORD)
    page.goto(reverse("admin:index"))
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").fill(staff_world.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_title("Overview | Levered")

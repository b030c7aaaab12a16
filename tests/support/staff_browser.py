"""What staff do in a browser before anything else."""

from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.support import staff_world

# Whatever lies beyond the screen, or beyond a box that hides it, and cannot be scrolled to.
LIST_CUT = """() => {
  const width = document.documentElement.clientWidth;
  const canScroll = (style) => ["auto", "scroll"].includes(style.overflowX);
  const cut = [];
  if (document.documentElement.scrollWidth > width + 1) cut.push("the page");
  for (const element of document.querySelectorAll("#content-main *, main *")) {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    if (!box.width || style.visibility === "hidden") continue;
    let parent = element.parentElement;
    while (parent && !canScroll(getComputedStyle(parent))) parent = parent.parentElement;
    const hides = ["hidden", "clip"].includes(style.overflowX)
      && element.clientWidth > 1 && element.scrollWidth > element.clientWidth + 1;
    if ((box.right > width + 1 && !parent) || hides)
      cut.push(element.tagName + "." + element.className + ": "
        + element.textContent.trim().slice(0, 60));
  }
  return cut;
}"""


def log_in(page: Page) -> None:
    """Log in with the form."""
    staff_world.make_superuser(password=staff_world.PASSWORD)
    page.goto(reverse("admin:index"))
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").fill(staff_world.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_title("Overview | Levered")

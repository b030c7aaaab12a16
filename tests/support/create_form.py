"""What a person does in the form of a new optimization, in a browser."""

from playwright.sync_api import Locator, Page, expect


def open_form(page: Page) -> None:
    """Open a new form from the list of optimizations."""
    page.goto("/admin/optimizations/optimization/")
    page.get_by_title("Add optimization").click()
    expect(page).to_have_title("New optimization: Goal | Levered")


def find_factor(page: Page, title: str) -> Locator:
    """Return the inputs of a factor by its title, such as "Design factor 1"."""
    return page.get_by_role("group", name=title, exact=True)


def fill_factor(page: Page, title: str, name: str, *levels: str) -> None:
    """Type the name and the levels of a factor; add inputs where there are too few."""
    factor = find_factor(page, title)
    factor.get_by_label("Name").fill(name)
    for number, level in enumerate(levels, start=1):
        inputs = factor.locator("input[data-adds]")
        if inputs.count() < number:
            factor.get_by_role("button", name="Add level").click()
            expect(inputs).to_have_count(number)
        inputs.nth(number - 1).fill(level)


def press(page: Page, name: str) -> None:
    """Press a button of the form by its exact name."""
    page.get_by_role("button", name=name, exact=True).click()


def continue_to(page: Page, title: str) -> None:
    """Continue to the next step, which has a title."""
    press(page, "Continue")
    expect(page).to_have_title(f"New optimization: {title} | Levered")

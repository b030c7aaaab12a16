"""A person creates a metric in a real browser: a mistake, its correction, the preview."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from levered_site.admin.html import NO_BREAK_SPACE
from metrics.models import Metric
from tests.support import chromium, factories, staff_world
from tests.support.staff_browser import LIST_CUT, log_in
from warehouse.models import ManagedReward

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]
ADD = "admin:metrics_metric_add"
WRONG = "SELECT anonymous_id, timestamp_utc\nFORM managed_dw.rewards"
RIGHT = (
    "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards\n"
    "WHERE name = 'purchase' AND timestamp_utc >= @start_date"
)


def test_a_person_corrects_the_sql_by_the_preview_and_saves(
    page: Page, complaints: list[str]
) -> None:
    world = staff_world.make_world()
    staff_world.send_traffic(world.optimization, 60)
    log_in(page)
    page.goto(reverse("admin:metrics_metric_changelist"))
    page.get_by_title("Add metric").click()

    page.get_by_label("Name", exact=False).first.fill("Orders")
    page.get_by_label("Organization").select_option(world.organization.pk)
    page.get_by_label("SQL").fill(WRONG)
    errors = page.locator("#id_sql_errors")
    expect(errors).to_contain_text("line 2")
    expect(errors.locator("code")).to_have_text("2 | FORM managed_dw.rewards")
    page.get_by_label("SQL").fill(RIGHT)
    rows = ManagedReward.objects.count()
    found = page.locator("#metric-found")
    expect(found).to_contain_text(f"{rows} rows of {rows} users in the last 30 days")
    expect(found).to_contain_text(f"100.00{NO_BREAK_SPACE}% of the users")
    expect(errors).to_be_empty()
    assert Metric.objects.count() == 1
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Created: Orders")).to_be_visible()
    expect(page.get_by_role("heading", name="Not used yet")).to_be_visible()
    metric = Metric.objects.get(name="Orders")
    api = factories.make_member_api(world.organization)
    body = factories.read_body(api.get(f"/warehouse/metrics/{metric.pk}"))
    assert body["sql"].splitlines() == RIGHT.splitlines()
    assert complaints == []


def test_a_refused_form_has_the_focus_where_the_error_is(page: Page) -> None:
    factories.make_organization("Acme")
    log_in(page)
    page.goto(reverse(ADD))
    page.locator("#id_name").fill("Orders")
    page.get_by_label("SQL").fill(WRONG)

    page.keyboard.press("Tab")
    page.get_by_role("button", name="Save").press("Enter")

    expect(page.get_by_text("Please correct the error")).to_be_visible()
    sql = page.get_by_label("SQL")
    expect(sql).to_be_focused()
    expect(sql).to_have_attribute("aria-invalid", "true")
    described = str(sql.get_attribute("aria-describedby")).split()
    texts = [page.locator(f"#{each}").inner_text() for each in described]
    assert "One SELECT" in texts[0]
    assert "line 2" in texts[1]


def type_cells(page: Page, *texts: str) -> None:
    """Type into the input that has the focus, and into those that follow."""
    for text in texts:
        page.keyboard.type(text)
        page.keyboard.press("Tab")


def test_outcomes_are_added_and_removed_by_keyboard(
    page: Page, complaints: list[str]
) -> None:
    factories.make_organization("Acme")
    log_in(page)
    page.goto(reverse(ADD))
    page.get_by_label("Name", exact=False).first.fill("Plans")
    page.get_by_label("SQL").fill(
        RIGHT.replace("timestamp_utc F", "timestamp_utc, name F")
    )
    page.get_by_label("Column of the name").fill("name")
    page.locator("summary", has_text="Outcomes").press("Enter")

    page.get_by_label("Outcome of outcome 1").focus()
    type_cells(page, "upgrade", "upgraded", "2")
    for row in (("stay", "stayed", "1"), ("leave", "left", "0"), ("oops", "", "")):
        page.get_by_role("button", name="Add outcome").press("Enter")
        type_cells(page, *row)
    page.get_by_role("button", name="Remove this outcome").last.press("Enter")
    page.get_by_role("button", name="Save").press("Enter")

    expect(page.get_by_text("Created: Plans")).to_be_visible()
    outcomes = Metric.objects.get().outcomes or []
    assert [(each["key"], each["weight"]) for each in outcomes] == [
        *(("upgrade", 2), ("stay", 1), ("leave", 0))
    ]
    assert complaints == []


@pytest.mark.parametrize("width", [360, 768, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_forms_of_a_metric_are_cut_nowhere(
    page: Page, complaints: list[str], width: int, scheme: str
) -> None:
    world = staff_world.make_world()
    staff_world.send_traffic(world.optimization, 60)
    log_in(page)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    change = reverse("admin:metrics_metric_change", args=[world.metric.pk])

    for path in (f"{reverse(ADD)}?copy={world.metric.pk}", change):
        page.goto(path)
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#metric-found")).to_contain_text("First rows")
        assert page.evaluate(LIST_CUT) == []
    assert complaints == []

"""Variants: listing, enabling, disabling, screenshots."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from levered_site.errors import UnavailableError
from levered_site.organizations.models import AuditEntry
from models_app import versions
from models_app.models import PolicyVersion
from optimizations.configuration import screenshots
from optimizations.models import Optimization, Variant
from tests.support import optimization_factories
from tests.support.factories import Api, make_member_api, read_body, read_error
from tests.support.pictures import build_png

pytestmark = pytest.mark.django_db


def test_every_variant_is_listed_in_factor_order() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(
        organization, excluded_combinations=[{"headline": "B", "cta": True}]
    )

    response = make_member_api(organization).get(
        f"/optimizations/{optimization.pk}/variants"
    )

    rows = read_body(response)["variants"]
    assert [row["number"] for row in rows] == [1, 2, 3, 4]
    assert rows[1] == {
        "number": 2,
        "variant_key": '{"cta":true,"headline":"A"}',
        "variant": {"headline": "A", "cta": True},
        "enabled": True,
        "excluded": False,
        "screenshot": None,
    }
    assert list(rows[1]["variant"]) == ["headline", "cta"]
    assert [row["excluded"] for row in rows] == [False, False, False, True]


def test_disabling_publishes_a_version_at_once() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(
        organization, exploration_share=0.0
    )
    api = make_member_api(organization)

    response = api.patch(
        f"/optimizations/{optimization.pk}/variants/3", {"enabled": False}
    )

    assert response.status_code == 200, response.content
    assert read_body(response)["enabled"] is False
    version = PolicyVersion.objects.get(number=1)
    assert (version.cause, version.enabled) == ("variants", [1, 2, 4])
    assert np.allclose(versions.read_table(version), [[1 / 3, 1 / 3, 0, 1 / 3]] * 4)
    body = read_body(api.get(f"/optimizations/{optimization.pk}"))
    assert body["policy_version"] == 1


def test_disabling_twice_changes_nothing_more() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    api = make_member_api(organization)
    path = f"/optimizations/{optimization.pk}/variants/3"

    api.patch(path, {"enabled": False})
    api.patch(path, {"enabled": False})

    assert PolicyVersion.objects.count() == 2


@pytest.mark.parametrize(
    ("disabled", "number"), [((), 1), ((2, 3), 4)], ids=["baseline", "the last two"]
)
def test_the_baseline_and_the_last_two_variants_cannot_be_disabled(
    disabled: tuple[int, ...], number: int
) -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    api = make_member_api(organization)
    path = f"/optimizations/{optimization.pk}/variants"
    for disabled_number in disabled:
        api.patch(f"{path}/{disabled_number}", {"enabled": False})
    version_count = PolicyVersion.objects.count()

    response = api.patch(f"{path}/{number}", {"enabled": False})

    assert response.status_code == 409
    assert read_error(response)["code"] == "conflict"
    assert Variant.objects.get(number=number).enabled is True
    assert PolicyVersion.objects.count() == version_count


def test_an_unknown_variant_is_not_found() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    api = make_member_api(organization)
    path = f"/optimizations/{optimization.pk}/variants"

    assert api.patch(f"{path}/5", {"enabled": False}).status_code == 404
    assert api.patch(f"{path}/{10**30}", {"enabled": False}).status_code == 404
    assert api.get(f"{path}/by-number/5/screenshot").status_code == 404


def _put_screenshot(
    api: Api, optimization: Optimization, body: bytes, content_type: str
) -> int:
    response = api.client.put(
        f"/api/v2/optimizations/{optimization.pk}/variants/by-number/2/screenshot",
        body,
        content_type=content_type,
        headers=api.headers,
    )
    return int(response.status_code)


def test_the_screenshots_of_an_organization_have_a_quota_of_bytes(
    settings: Any,
) -> None:
    optimizations = [
        optimization_factories.make_optimization(
            optimization_factories.make_organization()
        )
        for _ in range(2)
    ]
    first, second = build_png(filler=1000), build_png(filler=1100)
    api, other_api = (make_member_api(each.organization) for each in optimizations)
    settings.SCREENSHOT_BYTES = len(second)
    Variant.objects.filter(optimization=optimizations[0], number=1).update(
        screenshot=b"x"
    )

    stored = _put_screenshot(api, optimizations[0], first, "image/png")
    too_large = _put_screenshot(api, optimizations[0], second, "image/png")
    replaced = _put_screenshot(api, optimizations[0], first, "image/png")
    of_another = _put_screenshot(other_api, optimizations[1], second, "image/png")

    assert (stored, too_large, replaced, of_another) == (200, 409, 200, 200)


def test_a_screenshot_is_stored_and_returned() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    api = make_member_api(organization)
    path = f"/optimizations/{optimization.pk}/variants"
    png = build_png()

    assert api.get(f"{path}/by-number/2/screenshot").status_code == 404
    assert _put_screenshot(api, optimization, png, "image/png") == 200
    response = api.get(f"{path}/by-number/2/screenshot")

    assert response.content == png
    assert response["Content-Type"] == "image/png"
    again = api.get(f"{path}/by-number/2/screenshot", If_None_Match=response["ETag"])
    assert again.status_code == 304
    rows = read_body(api.get(path))["variants"]
    assert rows[1]["screenshot"].endswith("/variants/by-number/2/screenshot")
    assert rows[0]["screenshot"] is None


def test_a_large_screenshot_is_sent_in_parts() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    api = make_member_api(organization)
    png = build_png(filler=screenshots.PART_BYTES * 3)
    assert _put_screenshot(api, optimization, png, "image/png") == 200

    response = api.client.get(
        f"/api/v2/optimizations/{optimization.pk}/variants/by-number/2/screenshot",
        headers=api.headers,
    )
    parts = list(response)

    assert response["Content-Length"] == str(len(png))
    assert b"".join(parts) == png
    assert max(map(len, parts)) == screenshots.PART_BYTES


def test_a_screenshot_that_is_replaced_while_it_is_read_is_not_mixed_up() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    api = make_member_api(organization)
    png = build_png(filler=screenshots.PART_BYTES * 3)
    assert _put_screenshot(api, optimization, png, "image/png") == 200
    stored = screenshots.find_screenshot(optimization, 2)
    parts = screenshots.read_screenshot(replace(stored, row_version="1"))

    with pytest.raises(UnavailableError, match="replaced"):
        next(parts)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"GIF89a", "image/png", 415),
        (build_png()[:-1], "image/png", 415),
        (b"", "image/png", 415),
        (build_png(), "image/jpeg", 415),
        (build_png(width=0), "image/png", 400),
        (build_png(height=2**31), "image/png", 400),
        (build_png(height=20), "image/png", 400),  # pixels are missing
        (build_png(filler=screenshots.MAX_SCREENSHOT_BYTES), "image/png", 413),
    ],
)
def test_what_is_no_valid_png_is_refused(
    body: bytes, content_type: str, status: int
) -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    api = make_member_api(organization)

    assert _put_screenshot(api, optimization, body, content_type) == status
    assert not Variant.objects.filter(screenshot__isnull=False).exists()
    assert not AuditEntry.objects.filter(action="variant.screenshot").exists()

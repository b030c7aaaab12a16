"""Ids that exposures and rewards spell differently: hashed, in lower case, without hyphens."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.support import factories, shop
from tests.support.factories import Api, read_body
from tests.support.reference_cube import Reward, Touch
from tests.support.second_postgres import SecondServer

pytestmark = pytest.mark.django_db(transaction=True)

SOURCES = "/warehouse/assignment-sources"
NOW = timezone.now() - timedelta(hours=2)
IDS = ("A0EEBC99-9C0B", "B0EEBC99-9C0B")
SHA256 = "encode(sha256(convert_to({id}, 'UTF8')), 'hex')"
LOWER_SHA256 = SHA256.replace("{id}", "lower({id})")
# As Postgres cannot write it: the same length, and matched by nothing.
SHA1 = f"substr({SHA256}, 1, 40)"
REWARD_HASHED = "2 are the MD5 or SHA-256 of an id that was served"
EXPOSURE_HASHED = "Of 2 the MD5 or SHA-256 was exposed: select the hash"
HYPHENS = "2 would match without hyphens"
# By the spellings of exposures and of rewards.
WARNINGS = {
    ("{id}", "upper(md5({id}))"): REWARD_HASHED,
    ("{id}", SHA256): REWARD_HASHED,
    ("{id}", LOWER_SHA256): REWARD_HASHED,
    ("md5({id})", "{id}"): EXPOSURE_HASHED,
    (SHA256, "{id}"): EXPOSURE_HASHED,
    (f"upper({LOWER_SHA256})", "{id}"): EXPOSURE_HASHED,
    ("{id}", "replace({id}, '-', '')"): HYPHENS,
    ("lower(replace({id}, '-', ''))", "{id}"): HYPHENS,
    ("{id}", SHA1): "Among the metric's ids are some of 40, 64 or 128 hex digits",
    (SHA1, "{id}"): "Among the exposures' ids are some of 40, 64 or 128 hex digits",
    (SHA1, SHA256): "uses another id than serve requests do.",
}


@pytest.fixture
def alice(second: SecondServer) -> Api:
    """Return an admin whose Postgres has exposures and rewards of the same ids."""
    api = factories.make_admin_api(factories.make_organization())
    shop.connect_warehouse(api, second)
    second.store(
        "00000000-0000-0000-0000-000000000001",
        [Touch(user, NOW, "{}", "{}", 1) for user in IDS],
        [Reward(user, NOW) for user in IDS],
    )
    return api


def _spell(spelling: str) -> str:
    return spelling.replace("{id}", '"user"')


def test_either_side_that_is_hashed_or_has_no_hyphens_is_told(alice: Api) -> None:
    path = f"{SOURCES}/{read_body(alice.post(SOURCES, shop.SOURCE))['id']}"
    told = {}
    for exposed, rewarded in WARNINGS:
        columns = "seen, experiment, variant_text, context_text, version"
        source = f'SELECT {_spell(exposed)} AS "user", {columns} FROM shown'  # noqa: S608 - the test's own text
        metric = f'SELECT {_spell(rewarded)} AS "user", at FROM bought'  # noqa: S608 - the test's own text
        mapping = shop.METRIC["column_mapping"]
        assert alice.patch(path, {"sql": source}).status_code == 200
        body = {"sql": metric, "column_mapping": mapping}
        preview = read_body(alice.post("/warehouse/preview", body))
        told[exposed, rewarded] = preview["warnings"][0]

    assert {
        pair: warning
        for pair, warning in told.items()
        if not warning.startswith("None of 2 ids") or WARNINGS[pair] not in warning
    } == {}
    assert told[SHA1, SHA256].endswith(WARNINGS[SHA1, SHA256])

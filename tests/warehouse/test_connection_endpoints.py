"""The warehouse connection by REST: set, replaced, tested, rotated, deleted."""

import sys
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.test import override_settings

from levered_site.organizations.models import AuditEntry
from tests.support import factories
from tests.support.factories import read_body, read_error
from tests.support.second_postgres import PASSWORD, SecondServer
from warehouse import encryption
from warehouse.models import Connection

pytestmark = pytest.mark.django_db
CREDENTIALS = {
    "host": "127.0.0.1",
    "database": "shop",
    "username": "reader",
    "password": "a-very-secret-word",
}


def test_every_organization_starts_on_the_managed_warehouse() -> None:
    bob = factories.make_member_api(factories.make_organization())

    body = read_body(bob.get("/warehouse/connections"))
    tested = read_body(bob.post("/warehouse/connections/test"))

    assert body["connection"] == {
        "id": None,
        "provider": "managed",
        "project_id": "",
        "dataset_id": "",
    }
    assert tested["success"] is True
    assert isinstance(tested["latency_ms"], int)


def test_an_admin_creates_replaces_and_deletes_the_connection() -> None:
    acme = factories.make_organization()
    alice = factories.make_admin_api(acme)

    created = alice.post("/warehouse/connections", {"provider": "managed"})
    again = alice.post("/warehouse/connections", {"provider": "managed"})
    current = read_body(alice.get("/warehouse/connections"))["connection"]
    deleted = [alice.delete("/warehouse/connections") for _ in range(2)]

    fields = ["id", "provider", "project_id", "dataset_id", "meta"]
    assert (created.status_code, list(read_body(created))) == (201, fields)
    assert read_body(again)["id"] == current["id"]
    assert [answer.status_code for answer in deleted] == [204, 204]
    assert not Connection.objects.exists()
    assert AuditEntry.objects.filter(action="warehouse.forget").count() == 1


def test_a_connection_is_deleted_only_in_the_state_that_was_read() -> None:
    acme = factories.make_organization()
    alice = factories.make_admin_api(acme)
    path = "/warehouse/connections"
    etag_without_connection = alice.get(path)["ETag"]
    alice.post(path, {"provider": "managed"})

    stale = alice.delete(path, If_Match=etag_without_connection)
    etag = alice.get(path)["ETag"]
    unchanged = alice.get(path, If_None_Match=etag)
    fresh = alice.delete(path, If_Match=etag)

    assert (stale.status_code, unchanged.status_code) == (412, 304)
    assert fresh.status_code == 204
    assert not Connection.objects.exists()


def test_a_missing_client_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.bigquery", None)
    alice = factories.make_admin_api(factories.make_organization())
    body = {"provider": "bigquery", "credentials": {"private_key": "secret"}}

    answer = alice.post("/warehouse/connections", body)

    assert answer.status_code == 400
    assert "The extra `bigquery` is not installed" in read_error(answer)["message"]
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("credentials", "field"),
    [
        ({"host": "db.example"}, "credentials.database"),
        (CREDENTIALS | {"host": "/run/postgresql"}, "credentials.host"),
        (CREDENTIALS | {"sslmode": "disable"}, "credentials.sslmode"),
        (CREDENTIALS | {"service": "x"}, "credentials.service"),
    ],
)
def test_credentials_are_refused_by_field(
    credentials: dict[str, object], field: str
) -> None:
    alice = factories.make_admin_api(factories.make_organization())
    body = {"provider": "postgres", "credentials": credentials}

    error = read_error(alice.post("/warehouse/connections", body))

    assert [problem["field"] for problem in error["details"]] == [field]
    assert not Connection.objects.exists()


@pytest.mark.parametrize("sent", [{}, {"credentials": {}}])
@pytest.mark.parametrize(
    ("provider", "names"),
    [
        ("postgres", "host, database, username, password"),
        ("snowflake", "account, username, warehouse, database, schema, password"),
        ("bigquery", "type, private_key, project_id, client_email"),
    ],
)
def test_absent_credentials_are_named_field_by_field(
    provider: str, names: str, sent: dict[str, object]
) -> None:
    alice = factories.make_admin_api(factories.make_organization())

    error = read_error(
        alice.post("/warehouse/connections", {"provider": provider, **sent})
    )

    fields = [problem["field"] for problem in error["details"]]
    assert fields == [f"credentials.{name}" for name in names.split(", ")]


def test_a_private_address_is_not_connected_to() -> None:
    alice = factories.make_admin_api(factories.make_organization())

    answer = alice.post(
        "/warehouse/connections", {"provider": "postgres", "credentials": CREDENTIALS}
    )

    assert answer.status_code == 400
    assert "not a public address" in read_error(answer)["message"]
    assert CREDENTIALS["password"] not in answer.content.decode()
    assert not Connection.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_connection_is_tested_before_it_is_stored_encrypted(
    second_postgres: SecondServer,
) -> None:
    alice = factories.make_admin_api(factories.make_organization())
    right = {"provider": "postgres", "credentials": second_postgres.credentials}
    wrong = {
        "provider": "postgres",
        "credentials": second_postgres.credentials | {"password": "not-this-one"},
    }

    with override_settings(WAREHOUSE_ALLOW_PRIVATE=True):
        refused = alice.post("/warehouse/connections", wrong)
        count_after_refusal = Connection.objects.count()
        created = alice.post("/warehouse/connections", right)
        again = alice.post("/warehouse/connections", wrong)
        tested = read_body(alice.post("/warehouse/connections/test"))
    response = alice.get("/warehouse/connections")

    assert (refused.status_code, count_after_refusal) == (400, 0)
    assert "password authentication failed" in read_error(refused)["message"]
    assert (created.status_code, again.status_code) == (201, 400)
    assert tested["success"] is True
    encrypted = Connection.objects.get().credentials or b""
    assert encryption.decrypt_credentials(encrypted) == second_postgres.credentials
    assert PASSWORD.encode() not in bytes(encrypted)
    audited = AuditEntry.objects.values_list("before", "changes")
    texts = [created.content.decode(), response.content.decode(), *map(str, audited)]
    for text in texts:
        assert PASSWORD not in text
        assert "reader" not in text


def test_credentials_are_rotated_once_and_unreadable_ones_are_named() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    with override_settings(CREDENTIAL_KEYS=[old]):
        Connection.objects.create(
            organization=factories.make_organization(),
            provider="postgres",
            credentials=encryption.encrypt_credentials({"password": "x"}),
        )

    with override_settings(CREDENTIAL_KEYS=[new, old]):
        outputs = [_rotate(), _rotate()]
    with override_settings(CREDENTIAL_KEYS=[new]):
        decrypted = encryption.decrypt_credentials(
            Connection.objects.get().credentials or b""
        )
    with (
        override_settings(CREDENTIAL_KEYS=[old]),
        pytest.raises(CommandError, match="No key of CREDENTIAL_KEYS opens"),
    ):
        _rotate()

    assert outputs == ["1 rotated.", "0 rotated."]
    assert decrypted == {"password": "x"}


def _rotate() -> str:
    out = StringIO()
    call_command("rotate_credentials", stdout=out)
    return out.getvalue().strip()


def test_a_member_may_not_change_the_connection() -> None:
    bob = factories.make_member_api(factories.make_organization())

    answers = [
        bob.post("/warehouse/connections", {"provider": "managed"}),
        bob.delete("/warehouse/connections"),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert not Connection.objects.exists()

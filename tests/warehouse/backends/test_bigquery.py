"""The BigQuery backend without BigQuery: credentials and parameters."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from levered_site.errors import InvalidParametersError
from warehouse.backends import bigquery, bigquery_process


@pytest.fixture(scope="module")
def key_file() -> dict[str, Any]:
    """Return a service account's key file."""
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account",
        "project_id": "project-a",
        "private_key": key.decode(),
        "client_email": "levered@project-a.iam.gserviceaccount.com",
        "token_uri": "http://169.254.169.254/",
    }


def test_the_token_uri_of_a_key_file_is_ignored(key_file: dict[str, Any]) -> None:
    stored = bigquery.validate_credentials(key_file)

    assert set(stored) == {"type", "project_id", "private_key", "client_email"}
    assert stored["private_key"] not in repr(bigquery.build_backend("org_a", stored))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "external_account"),
        ("private_key", "nonsense"),
        ("project_id", "a/b"),
        ("client_email", "nobody"),
        ("credential_source", {"url": "http://127.0.0.1"}),
    ],
)
def test_invalid_credentials_are_refused_by_field(
    key_file: dict[str, Any], field: str, value: object
) -> None:
    with pytest.raises(InvalidParametersError) as refused:
        bigquery.validate_credentials({**key_file, field: value})

    assert refused.value.details[0].field == f"credentials.{field}"


def test_a_mapped_column_is_found_in_any_case(key_file: dict[str, Any]) -> None:
    backend = bigquery.build_backend(
        "org_a", bigquery.validate_credentials(key_file), "", "Shop"
    )

    metric = backend.validate_metric(
        "SELECT userId, soldAt, SOLDAT FROM Orders WHERE soldAt >= @start_date",
        {"anonymous_id": "USERID", "timestamp": "soldAt"},
    )

    assert (metric.anonymous_id, metric.timestamp) == ("userId", "soldAt")
    assert "FROM `Shop`.`Orders`" in metric.query.text


def test_parameters_are_typed_and_named_in_order() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)

    parameters = bigquery_process.build_query_parameters(("a", 1, 1.5, True, now))

    assert [(parameter.name, parameter.type_) for parameter in parameters] == [
        ("p1", "STRING"),
        ("p2", "INT64"),
        ("p3", "FLOAT64"),
        ("p4", "BOOL"),
        ("p5", "TIMESTAMP"),
    ]

"""Private keys of Snowflake and BigQuery, and Snowflake's account."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from levered_site.errors import InvalidParametersError
from warehouse.backends import credential_fields, snowflake

PASSWORD = "s3cret-Passw0rd"


def write_pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: str = ""
) -> str:
    """Return a private key as text."""
    encryption: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(password.encode())
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


KEY = rsa.generate_private_key(65537, 2048)
PEM = write_pem(KEY)
PUBLIC_PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


@pytest.mark.parametrize(
    "text", [PEM, PEM.replace("\n", "\\n"), PEM.replace("\n", "\\r\\n")]
)
def test_a_key_is_read_with_line_breaks_of_either_kind(text: str) -> None:
    stored = credential_fields.require_private_key({"private_key": text})

    assert stored == PEM


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (write_pem(ec.generate_private_key(ec.SECP256R1())), "must be an RSA key"),
        (
            write_pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - it is refused
            "at least 2048 bits; this one has 1024",
        ),
        (write_pem(KEY, PASSWORD), "must not be encrypted"),
        (PUBLIC_PEM.decode(), "a public key or a certificate"),
        (PEM.partition("-----END")[0], "last line"),
        ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "begins with"),
        (PEM.replace("M", "", 3), "damaged"),
    ],
)
def test_a_key_that_no_warehouse_takes_is_refused_with_the_reason(
    text: str, reason: str
) -> None:
    with pytest.raises(InvalidParametersError, match=reason) as refused:
        credential_fields.require_private_key({"private_key": text})

    assert refused.value.details[0].field == "credentials.private_key"
    assert PEM.splitlines()[1] not in refused.value.message


@pytest.mark.parametrize(
    "account",
    [
        "myorg-account123",
        "myorg-account123.snowflakecomputing.com",
        "https://myorg-account123.snowflakecomputing.com/",
        "https://MyOrg-account123.SnowflakeComputing.com/console",
    ],
)
def test_an_account_may_be_given_as_its_host(account: str) -> None:
    stored = snowflake.validate_credentials(
        {
            "account": account,
            "username": "reader",
            "password": PASSWORD,
            "warehouse": "w",
            "database": "d",
            "schema": "s",
        }
    )

    assert stored["account"].lower() == "myorg-account123"

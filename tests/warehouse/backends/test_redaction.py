"""Messages of warehouses: without secrets, and readable."""

import pytest

from warehouse.backends.errors import redact_secrets

REFUSED = "connection to server at port 1 failed: is it accepting? password p is wrong"


@pytest.mark.parametrize(
    ("secret", "message", "redacted"),
    [
        ("p", REFUSED, REFUSED.replace(" p ", " *** ")),
        ("ort", "port 1 failed, ort", "port 1 failed, ***"),
        ("p", "p", "***"),
        ("p", 'for "p", p: (p)', 'for "***", ***: (***)'),
        ("p", "postgres://ann:p@db/shop", "postgres://ann:***@db/shop"),
        (".", "3.5 is . here", "3.5 is *** here"),
        ("s3cr", "xs3crx", "x***x"),
        ("a+b*c", "xa+b*cx", "x***x"),
        ("", "nothing to hide", "nothing to hide"),
        (None, "nothing to hide", "nothing to hide"),
    ],
)
def test_a_short_secret_is_redacted_where_it_stands_alone(
    secret: str | None, message: str, redacted: str
) -> None:
    assert redact_secrets(message, [secret]) == redacted


def test_of_two_secrets_the_longer_one_goes_first() -> None:
    assert redact_secrets("hunter22", ["hunter2", "hunter22"]) == "***"


def test_a_secret_does_not_redact_the_marks_of_another() -> None:
    assert redact_secrets("key hunter2 *", ["hunter2", "*"]) == "key *** ***"

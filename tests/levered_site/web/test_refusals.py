"""Refusals of a head that was not read: pages of any origin may read them."""

from levered_site.errors import BadRequestError
from levered_site.web import refusals


def test_a_refused_head_is_readable_from_any_origin() -> None:
    answer = refusals.encode_refusal(BadRequestError("The head is too large."), [])

    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\naccess-control-allow-origin: *" in head
    assert b"The head is too large." in body


def test_a_refused_head_with_an_origin_is_readable_with_credentials() -> None:
    head = [(b"Origin", b"https://shop.com"), (b"cookie", b"x")]

    answer = refusals.encode_refusal(BadRequestError("The head is too large."), head)

    assert b"\r\naccess-control-allow-origin: https://shop.com\r\n" in answer
    assert b"\r\naccess-control-allow-credentials: true\r\n" in answer

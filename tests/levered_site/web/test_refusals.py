"""Refusals of a head that was not read: pages of any origin may read them."""

from levered_site.errors import BadRequestError
from levered_site.web import refusals


def test_a_refused_head_is_readable_from_any_origin() -> None:
    answer = refusals.encode_refusal(BadRequestError("The head is too large."))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\naccess-control-allow-origin: *" in head
    assert b"The head is too large." in body

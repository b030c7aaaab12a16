"""Origins are stored as browsers send them; what no browser sends is refused."""

import pytest

from optimizations.serializers import origin_field


@pytest.mark.parametrize(
    ("origin", "normalized"),
    [
        ("https://www.shop.com", "https://www.shop.com"),
        ("HTTPS://Shop.COM", "https://shop.com"),
        ("https://shop.com:443", "https://shop.com"),
        ("http://shop.com:80", "http://shop.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://bücher.example:8443", "https://xn--bcher-kva.example:8443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("chrome-extension://abcdefgh", "chrome-extension://abcdefgh"),
    ],
)
def test_an_origin_is_stored_as_browsers_send_it(origin: str, normalized: str) -> None:
    assert origin_field.normalize_origin(origin) == normalized


@pytest.mark.parametrize(
    "origin",
    [
        *("shop.com", "https://", "https:///", "https://shop.com/", "//shop.com"),
        *("https://shop.com/path", "https://shop.com?x", "https://shop.com#x"),
        *("https://user@shop.com", "https://shop.com:99999", "https://shop.com:"),
        *("https://shop.com:x", "https://*.shop.com", "https://a b.com", "null", "*"),
        *("https://[::1", "https://..", "javascript://%0aalert(1)"),
    ],
)
def test_what_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        origin_field.normalize_origin(origin)

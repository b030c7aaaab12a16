"""Origins are stored as browsers send them, and wildcards match their subdomains."""

import pytest

from levered_site.api import origins


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
        ("HTTPS://*.Shop.COM:443", "https://*.shop.com"),
        ("https://*.bücher.example:8443", "https://*.xn--bcher-kva.example:8443"),
        ("http://*.localhost:3000", "http://*.localhost:3000"),
    ],
)
def test_an_origin_is_stored_as_browsers_send_it(origin: str, normalized: str) -> None:
    assert origins.normalize_allowed_origin(origin) == normalized


@pytest.mark.parametrize(
    "origin",
    [
        *("shop.com", "https://", "https:///", "https://shop.com/", "//shop.com"),
        *("https://shop.com/path", "https://shop.com?x", "https://shop.com#x"),
        *("https://user@shop.com", "https://shop.com:99999", "https://shop.com:"),
        *("https://shop.com:x", "https://a b.com", "null", "*", "*.shop.com"),
        *("https://[::1", "https://..", "javascript://%0aalert(1)", "https://*"),
        *("https://*.com", "https://*.", "https://*.*.shop.com", "https://a.*.com"),
        *("https://*shop.com", "https://*.1.2.3.4", "https://*.[::1]", "*://*.a.com"),
        *("https://*.shop.com/", "app://*.shop.com", "https://*.shop.com:99999"),
    ],
)
def test_what_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        origins.normalize_allowed_origin(origin)


WILDCARD = "https://*.shop.com"
WITH_PORT = "http://*.localhost:3000"


@pytest.mark.parametrize(
    ("origin", "allowed_origins"),
    [
        ("https://www.shop.com", ["https://www.shop.com"]),
        ("https://www.shop.com", [WILDCARD]),
        ("https://a.b-c.d_e.shop.com", ["https://other.com", WILDCARD]),
        ("https://xn--bcher-kva.shop.com", (WILDCARD,)),
        ("http://app.localhost:3000", (WITH_PORT,)),
    ],
)
def test_an_origin_matches_itself_and_the_wildcards_of_its_domain(
    origin: str, allowed_origins: list[str]
) -> None:
    assert origins.is_origin_allowed(origin, allowed_origins)


@pytest.mark.parametrize(
    "origin",
    [
        *("https://shop.com", "https://.shop.com", "https://evilshop.com"),
        *("http://www.shop.com", "https://www.shop.com:8443", "https://www.shop.com."),
        *("https://www.shop.com.evil.com", "https://evil.com/.shop.com", "null", ""),
        *("https://evil.com#.shop.com", "https://a..shop.com", "https://*.shop.com/"),
        *("https://user@www.shop.com", "https://evil.com\\.shop.com", "www.shop.com"),
        *("http://app.localhost", "http://app.localhost:30000"),
    ],
)
def test_a_wildcard_matches_neither_the_apex_nor_strangers(origin: str) -> None:
    assert not origins.is_origin_allowed(origin, [WILDCARD, WITH_PORT])

"""The origin from which a write may come, by how the site is reached."""

import pytest

from common.base.errors import CrossSite
from common.http.cross_site import Site

OVER_HTTP = Site()
OVER_HTTPS = Site(secure=True)
WITH_ONE_ADDRESS = Site(secure=True, public_url="https://gittix.test/")


def passes(site: Site, origin: str, host: str = "gittix.test", scheme: str = "http") -> bool:
    headers = {b"origin": origin, b"host": host}
    try:
        site.refuse_others(headers.get, scheme)
    except CrossSite:
        return False
    return True


def test_over_plain_http_the_origin_is_the_requests_own() -> None:
    assert passes(OVER_HTTP, "http://gittix.test")
    assert passes(OVER_HTTP, "http://localhost:8080", host="localhost:8080")
    assert not passes(OVER_HTTP, "https://gittix.test")
    assert not passes(OVER_HTTP, "chrome-extension://gittix.test")


def test_with_secure_cookies_only_https_is_this_site_whatever_a_proxy_says() -> None:
    for scheme in ("http", "https"):
        assert passes(OVER_HTTPS, "https://gittix.test", scheme=scheme)
        assert not passes(OVER_HTTPS, "http://gittix.test", scheme=scheme)


def test_behind_a_proxy_that_ends_tls_its_word_counts_where_cookies_are_plain() -> None:
    assert passes(OVER_HTTP, "https://gittix.test", scheme="https")


def test_a_public_address_counts_and_not_the_host_of_the_request() -> None:
    assert passes(WITH_ONE_ADDRESS, "https://gittix.test", host="inside.test")
    assert not passes(WITH_ONE_ADDRESS, "https://evil.test", host="evil.test")


def test_a_laptop_is_reached_by_each_of_its_names() -> None:
    site = Site(public_url="http://localhost:8080")

    assert passes(site, "http://127.0.0.1:8080", host="127.0.0.1:8080")
    assert passes(site, "http://localhost:8080", host="localhost:8080")


@pytest.mark.parametrize("fetch_site", ["cross-site", "same-site", "", "SAME-ORIGIN"])
def test_what_the_browser_says_of_the_sender_counts_without_an_origin(fetch_site: str) -> None:
    with pytest.raises(CrossSite):
        OVER_HTTPS.refuse_others({b"sec-fetch-site": fetch_site}.get, "https")


def test_a_request_of_no_browser_passes() -> None:
    OVER_HTTPS.refuse_others({b"host": "gittix.test"}.get, "http")

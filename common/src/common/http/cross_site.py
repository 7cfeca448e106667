"""Refusal of writes that a browser sent from another site's page (CSRF)."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from common.base.errors import CrossSite

Header = Callable[[bytes], str | None]
"""The value of a request header by its lower-case name; None without it."""

OWN_SITE = frozenset({"same-origin", "none"})
"""Values of `Sec-Fetch-Site` of a request by the site's own page or its user. `same-site`: another host."""


@dataclass(frozen=True, slots=True)
class Site:
    """The origin from which a write may come.

    secure: Browsers reach the site by https; setting `COOKIE_SECURE`. Not taken from the request: a proxy
        that ends TLS need not report it.
    public_url: The one address of the site, where it has one; setting `PUBLIC_URL`. Over plain http the
        request's `Host` counts instead: a laptop has several names.
    """

    secure: bool = False
    public_url: str = ""

    def refuse_others(self, header: Header, scheme: str) -> None:
        """Raises CrossSite for a write that another site's page sent.

        One with neither `Sec-Fetch-Site` nor `Origin` comes from no browser: its session alone judges it.
        """
        fetch_site = header(b"sec-fetch-site")
        if fetch_site is not None and fetch_site not in OWN_SITE:
            raise CrossSite()
        origin = header(b"origin")
        if origin is not None and origin != self._origin(header(b"host"), scheme):
            raise CrossSite()

    def _origin(self, host: str | None, scheme: str) -> str:
        """Such as `https://gittix.test`, as browsers write it (RFC 6454, section 6.2)."""
        public = urlsplit(self.public_url)
        if public.scheme == "https":
            return f"https://{public.netloc}"
        return f"{'https' if self.secure else scheme}://{host}"


ANY_SCHEME = Site()
"""The site of a service that knows neither its cookies nor its address: the request's scheme and `Host`."""

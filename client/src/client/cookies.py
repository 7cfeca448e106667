"""Cookie jar that stores no cookies.

All browsers share the pool. A jar that stored the session cookie of one sign-in would send it with the
requests of all users.
"""

from http.cookiejar import CookieJar, DefaultCookiePolicy


class EmptyCookieJar(CookieJar):
    def __init__(self) -> None:
        super().__init__(DefaultCookiePolicy(allowed_domains=[]))

"""A cookie jar that keeps nothing.

The pool is shared by all browsers: a jar that kept the session cookie of one sign-in would send it with
everybody's requests.
"""

from http.cookiejar import CookieJar, DefaultCookiePolicy


class Forgetful(CookieJar):
    def __init__(self) -> None:
        super().__init__(DefaultCookiePolicy(allowed_domains=[]))

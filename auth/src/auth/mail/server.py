"""Address of the mail server, from MAIL_URL."""

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1")
PORTS = {"smtp": 587, "smtps": 465}


class BadMailUrl(ValueError):
    """Its words never show the URL, which holds a password."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """tls: Whether the connection begins with TLS (smtps). Over smtp it is upgraded, if the server can."""

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """`smtp://host:port` or `smtps://user:password@host`, with percent signs for what a URL can't hold.

        Raises BadMailUrl.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise BadMailUrl("not a URL") from None
        if parts.scheme not in PORTS or not host or port == 0:
            raise BadMailUrl("not a URL of smtp or smtps")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise BadMailUrl("not an address without a path")
        username, password = (part and unquote(part) for part in (parts.username, parts.password))
        if (username is None) != (password is None):
            raise BadMailUrl("not both a user and a password, or neither")
        return cls(host, port or PORTS[parts.scheme], parts.scheme == "smtps", username, password)

    @property
    def must_upgrade(self) -> bool:
        """Whether a server without TLS is refused: a password never crosses a network in clear text."""
        return not self.tls and self.password is not None and self.host not in LOOPBACK

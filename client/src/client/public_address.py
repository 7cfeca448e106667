"""Absolute addresses of this site, for programs of others: link previews, search engines, QR codes."""

from fastapi import Request


def absolute(request: Request, path: str) -> str:
    """`path` with the scheme and host that the browser asked: `https://gittix.example/tickets/65f0…`.

    path: Begins with `/`. It may have a query.
    """
    url = request.url
    return f"{url.scheme}://{url.netloc}{path}"

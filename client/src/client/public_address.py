"""Absolute addresses of pages, for what leaves the browser: a QR code, a link in a message."""

from fastapi import Request


def absolute(request: Request, path: str) -> str:
    """`path`, such as `/orders`, at the site's public address (setting `PUBLIC_URL`).

    Not at the request's `Host`, which a client can choose.
    """
    public_url: str = request.app.state.public_url
    return f"{public_url}{path}"

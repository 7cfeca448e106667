"""The pages' own cookies: over https named `__Host-…`, so that no other host of the site can set them.

Source: RFC 6265bis, section 4.1.3.2.
"""

from fastapi import Request, Response

from common.http.session import Sessions


def leave(response: Response, sessions: Sessions, name: str, value: str, seconds: int) -> None:
    sessions.set_cookie(response, _full(sessions, name), value, seconds)


def take_away(response: Response, sessions: Sessions, name: str) -> None:
    sessions.delete_cookie(response, _full(sessions, name))


def left(request: Request, name: str) -> str:
    """The value; "" without one."""
    sessions: Sessions = request.app.state.sessions
    return request.cookies.get(_full(sessions, name), "")


def _full(sessions: Sessions, name: str) -> str:
    return f"__Host-{name}" if sessions.secure else name

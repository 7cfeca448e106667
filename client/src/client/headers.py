"""Security headers of every response of this service."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

RawHeaders = Iterable[tuple[bytes, bytes]]

POLICY = "Content-Security-Policy"
STRIPE_SCRIPT = "https://js.stripe.com/v3/"


def policy(scripts: str = "'self'", frames: str = "'none'", connections: str = "'self'") -> str:
    """Content Security Policy that by default allows nothing of other sites and nothing inline.

    Source: https://www.w3.org/TR/CSP3/.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self'",
            "img-src 'self'",
            f"connect-src {connections}",
            f"frame-src {frames}",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


PAYING = policy(
    "'self' https://js.stripe.com",
    "https://js.stripe.com https://hooks.stripe.com",
    "'self' https://api.stripe.com",
)
"""Policy of the one page that has Stripe's card fields.

Source: https://docs.stripe.com/security/guide#content-security-policy
"""

PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "serial",
        "usb",
        "xr-spatial-tracking",
    )
)
"""Features that no page uses, nor a frame in one. Not `payment`: Stripe's frame asks for it.

Source: https://www.w3.org/TR/permissions-policy/
"""

_POLICY = policy().encode()
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Not no-referrer: browsers would then send `Origin: null` with our own forms, and the request middleware
    # refuses that.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", PERMISSIONS.encode()),
)


class PageHeaders:
    """ASGI middleware that adds the headers above. A page's own policy is left unchanged."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [] if _names(message["headers"], POLICY) else [(POLICY.lower().encode(), _POLICY)]
                message["headers"] = [*message["headers"], *own, *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_marked)


def _names(headers: RawHeaders, name: str) -> bool:
    wanted = name.lower().encode()
    return any(key == wanted for key, _ in headers)

"""Security headers of every response of this service."""

from collections.abc import Sequence

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

PAGE_HEADERS: Sequence[tuple[bytes, bytes]] = (
    (b"content-security-policy", policy().encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Not no-referrer: browsers would then send `Origin: null` with our own forms, and the request middleware
    # refuses that.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", PERMISSIONS.encode()),
    (b"cache-control", b"no-store"),
)
"""Default headers of every answer of the pages. A page's own header of the same name wins."""

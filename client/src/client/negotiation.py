"""Content negotiation of assets: the coding that a browser accepts, the version that it has (RFC 9110)."""

from collections.abc import Sequence

IDENTITY = "identity"
GZIP = "gzip"


def best_coding(accepted: Sequence[str]) -> str | None:
    """GZIP, else IDENTITY, by the lines of `Accept-Encoding` (section 12.5.3); None if both are refused."""
    if not accepted:
        return IDENTITY
    weights = dict(_weighted(entry) for line in accepted for entry in line.split(",") if entry.strip())
    others = weights.get("*")
    gzip = weights.get(GZIP, others or 0.0)
    # Without a word on it, identity is acceptable, though the last choice.
    identity = weights.get(IDENTITY, 0.001 if others is None else others)
    if gzip > 0 and gzip >= weights.get(IDENTITY, 0.0):
        return GZIP
    return IDENTITY if identity > 0 else None


def matches(tag: str, lines: Sequence[str]) -> bool:
    """Whether `If-None-Match` (section 13.1.2) names `tag`, in a list, weakly, or by `*`."""
    named = {name.strip().removeprefix("W/") for line in lines for name in line.split(",")}
    return bool(named & {tag, "*"})


def _weighted(entry: str) -> tuple[str, float]:
    """Name and weight of one coding; a malformed weight refuses it."""
    name, _, parameter = entry.partition(";")
    key, _, value = parameter.strip().partition("=")
    try:
        weight = float(value) if key.strip().lower() == "q" else 1.0
    except ValueError:
        weight = 0.0
    return name.strip().lower(), weight if 0 <= weight <= 1 else 0.0

from hashlib import sha256


def key_of(*parts: str) -> str:
    """Key of a moving window, 64 characters: a client chooses the text of the parts, and its length."""
    return sha256("\0".join(parts).encode()).hexdigest()

"""Passkeys: sign-in by a key that a user's device keeps (WebAuthn level 2)."""

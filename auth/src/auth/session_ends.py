"""Ends of sessions."""


class NoSessionEnds:
    """Ends no session: sessions have no records yet, and go on until their tokens expire."""

    async def end_sessions(self, user_id: str, *, but: str | None = None) -> None:
        """Does nothing."""

"""Routes of a user's own sessions."""

from fastapi import APIRouter, Request, Response

from auth.http_session import SessionStarter, origin_of
from auth.schemas import SESSIONS, SessionOutput
from common.base.security import SecurityEvent
from common.http import security_notes
from common.http.rendering import JSON
from common.http.session import SignedIn


def create_sessions_router(starter: SessionStarter) -> APIRouter:
    router = APIRouter(prefix="/api/users/sessions", tags=["sessions"])
    records = starter.records

    @router.get("", responses={200: {"model": list[SessionOutput]}})
    async def show_sessions(session: SignedIn, request: Request) -> Response:
        """The user's sessions, the latest used first; the one of this request is `current`."""
        await records.use(session, origin_of(request))
        found = await records.of_user(session.id)
        shown = [SessionOutput.of(each, session.session_id) for each in found]
        return Response(
            SESSIONS.dump_json(shown, by_alias=True), media_type=JSON, headers={"Cache-Control": "no-store"}
        )

    @router.delete("", status_code=204)
    async def end_others(session: SignedIn, request: Request) -> Response:
        await records.end_sessions(session.id, but=session.session_id)
        security_notes.note(request.scope, SecurityEvent.SESSION_ENDED)
        return Response(status_code=204)

    @router.delete("/{session_id}", status_code=204)
    async def end(session: SignedIn, session_id: str, request: Request) -> Response:
        await records.end(session.id, session_id)
        security_notes.note(request.scope, SecurityEvent.SESSION_ENDED)
        response = Response(status_code=204)
        if session_id == session.session_id:
            starter.sessions.end(response)
        return response

    return router

"""Routes of the mails that a user wants: HTTP → repository."""

from typing import Annotated

from fastapi import APIRouter, Response

from auth.errors import LinkInvalid
from auth.mail.unsubscribing import Unsubscribing
from auth.repository import UserRepository
from auth.schemas import MailSettingsInput, UnsubscribeInput
from common.base.errors import NotAuthorized
from common.http.body import describes, json_body
from common.http.rendering import JSON
from common.http.session import SignedIn

MailSettingsBody = Annotated[MailSettingsInput, json_body(MailSettingsInput)]
UnsubscribeBody = Annotated[UnsubscribeInput, json_body(UnsubscribeInput)]


def create_mails_router(users: UserRepository, unsubscribing: Unsubscribing) -> APIRouter:
    router = APIRouter(prefix="/api/users/mails", tags=["mails"])

    @router.put("", status_code=204, openapi_extra=describes(MailSettingsInput))
    async def set_mails(session: SignedIn, body: MailSettingsBody) -> Response:
        """The language of the user's mails, and whether notices are sent."""
        if not await users.choose_mails(session.id, body.language, notices=body.notices):
            raise NotAuthorized()
        return Response(status_code=204)

    @router.post("/unsubscribe", status_code=200, openapi_extra=describes(UnsubscribeInput))
    async def unsubscribe(body: UnsubscribeBody) -> Response:
        """Turns notices off for the user whom the token names. Needs no session; idempotent."""
        user_id = unsubscribing.user_of(body.token)
        if user_id is None:
            raise LinkInvalid()
        # Of a user who is no more: the same answer, as there is nothing to turn off.
        await users.turn_notices_off(user_id)
        return Response(b"{}", media_type=JSON)

    return router

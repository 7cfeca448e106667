"""The form with which a ticket is put on sale, and a listing is edited."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from client.api import Api, Apis
from client.drafts import DraftFields
from client.flash import Flash
from client.forms import Form, Problems, TicketId, key_of, new_key, version_of
from client.rendering import Page, Pages, see_other
from client.schemas import Ticket
from client.sign_in import Member
from client.ticket_page import own_ticket
from client.typed_prices import as_number
from common.base.errors import (
    AppError,
    BadRequest,
    KeyReused,
    PreconditionFailed,
    TooManyTries,
    Unavailable,
)
from common.base.ids import is_id

router = APIRouter(include_in_schema=False)

FIELDS = ("title", "price", "eventDate", "startTime", "venue", "city", "seat", "faceValue", "notes")
LATER = frozenset({"startTime", "city", "faceValue", "notes"})
"""Fields that an API of the release before refuses: they are sent where they are filled."""


@router.get("/tickets/new")
async def new(_user: Member, page: Pages, kept: DraftFields) -> Response:
    return _form_page(page, sent=_sent(kept))


@router.post("/tickets/new")
async def create(_user: Member, page: Pages, api: Apis, form: Form) -> Response:
    sent, key = _sent(form), key_of(form)
    try:
        ticket = await api.create_ticket(_offer(sent), key)
    except (BadRequest, TooManyTries, Unavailable) as error:
        # The same key: what was sent may have been stored though its answer was lost.
        problems = Problems.of(error, FIELDS)
        return _form_page(page, error.status, sent=sent, key=key or new_key(), problems=problems)
    except KeyReused as error:
        return _form_page(page, error.status, sent=sent, listed=await _listed(api, error))
    return see_other(f"/tickets/{ticket.id}", message=Flash.LISTED)


@router.get("/tickets/{ticket_id}/edit")
async def edit(user: Member, ticket_id: TicketId, page: Pages, api: Apis, kept: DraftFields) -> Response:
    ticket = await own_ticket(api, user, ticket_id)
    if kept:
        # The version that was edited: a change of meanwhile is found when the form is sent.
        return _form_page(page, ticket=ticket, sent=_sent(kept), version=version_of(kept) or ticket.version)
    return _form_page(page, ticket=ticket, sent=_as_sent(ticket), version=ticket.version)


@router.post("/tickets/{ticket_id}/edit")
async def update(user: Member, ticket_id: TicketId, page: Pages, api: Apis, form: Form) -> Response:
    sent, version = _sent(form), version_of(form)
    try:
        await api.update_ticket(ticket_id, _offer(sent), version)
    except BadRequest as error:
        ticket = await own_ticket(api, user, ticket_id)
        problems = Problems.of(error, FIELDS)
        return _form_page(page, 400, ticket=ticket, sent=sent, version=version, problems=problems)
    except Unavailable as error:
        # The ticket itself can't be shown: its form can, with what was typed.
        problems = Problems.of(error, FIELDS)
        return _form_page(page, error.status, edited=ticket_id, sent=sent, version=version, problems=problems)
    except PreconditionFailed as error:
        # Saved once more, it replaces what is shown now.
        ticket = await own_ticket(api, user, ticket_id)
        return _form_page(page, error.status, ticket=ticket, sent=sent, version=ticket.version, changed=True)
    saved = Flash.SAVED if sent["eventDate"] else Flash.SAVED_WITHOUT_DATE
    return see_other(f"/tickets/{ticket_id}", message=saved)


def _form_page(
    page: Page, status: int = 200, *, ticket: Ticket | None = None, edited: str | None = None, **context: Any
) -> Response:
    """The form of a listing; by default empty, and with a key of its own.

    ticket: The listing that is edited. edited: Its id, where it can't be read.
    """
    given = {"key": new_key(), "version": "", "listed": None, "changed": False, **context}
    return page(
        "ticket_form.html", status, ticket=ticket, edited=edited if ticket is None else ticket.id, **given
    )


async def _listed(api: Api, reused: KeyReused) -> Ticket | None:
    """The listing that the form's first sending created; None where it can't be shown."""
    ticket_id = (reused.created or "").rpartition("/")[2]
    try:
        return await api.ticket(ticket_id) if is_id(ticket_id) else None
    except AppError:
        return None


def _sent(form: Mapping[str, str]) -> Mapping[str, str]:
    return {name: form.get(name, "") for name in FIELDS}


def _offer(sent: Mapping[str, str]) -> Mapping[str, str]:
    """The fields for the API. Raises PriceAmbiguous."""
    prices = {name: as_number(sent[name], name) for name in ("price", "faceValue")}
    return {name: value for name, value in {**sent, **prices}.items() if value or name not in LATER}


def _as_sent(ticket: Ticket) -> Mapping[str, str]:
    """The ticket as the fields of its form."""
    date = "" if ticket.event_date is None else ticket.event_date.isoformat()
    return {
        "title": ticket.title,
        "price": str(ticket.price),
        "eventDate": date,
        "startTime": ticket.start_time or "",
        "venue": ticket.venue or "",
        "city": ticket.city or "",
        "seat": ticket.seat or "",
        "faceValue": "" if ticket.face_value is None else str(ticket.face_value),
        "notes": ticket.notes or "",
    }

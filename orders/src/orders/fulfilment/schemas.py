"""Shapes on the wire of fulfilments, claims and sales."""

import unicodedata
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter

from common.base.characters import BIDI_CONTROLS, is_visible
from common.base.errors import InvalidValue
from common.base.money import Price
from common.base.times import Moment
from common.contract.error_codes import ErrorCode
from common.http.body import Input, Output
from orders.domain import Order
from orders.fulfilment.domain import Claim, Reason
from orders.ticket_schemas import TicketOutput

MAX_WORDS = 1_000
"""In characters."""
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def _reason(value: object) -> str:
    if not isinstance(value, str) or value not in set(Reason):
        raise InvalidValue(f"Reason must be one of {', '.join(Reason)}", ErrorCode.REASON_INVALID)
    return value


def _words(value: object) -> str:
    """Lines of visible text. A browser sends `\\r\\n` between them."""
    text = value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""
    if not any(map(is_visible, text)):
        raise InvalidValue("Words are required", ErrorCode.WORDS_REQUIRED)
    if len(text) > MAX_WORDS:
        raise InvalidValue(f"Words must be at most {MAX_WORDS} characters", ErrorCode.WORDS_TOO_LONG)
    if any(unicodedata.category(character) in _UNPRINTABLE for character in text.replace("\n", "")):
        raise InvalidValue("Words must not hold control characters", ErrorCode.WORDS_UNPRINTABLE)
    if not BIDI_CONTROLS.isdisjoint(text):
        raise InvalidValue("Words must not change the direction of writing", ErrorCode.WORDS_BIDI_CONTROL)
    return text


Words = Annotated[str, BeforeValidator(_words)]


class ClaimInput(Input):
    """reason: `not-delivered`, `not-valid`, `not-as-described` or `event-cancelled`."""

    reason: Annotated[str, BeforeValidator(_reason)]
    words: Words


class AnswerInput(Input):
    words: Words


class ClaimOutput(Output):
    reason: str
    words: str
    opened_at: Moment
    answer: str | None
    answered_at: Moment | None

    @classmethod
    def of(cls, claim: Claim) -> "ClaimOutput":
        return cls.model_construct(
            reason=claim.reason,
            words=claim.words,
            opened_at=claim.opened_at,
            answer=claim.answer,
            answered_at=claim.answered_at,
        )


class SaleOutput(Output):
    """An order as its seller sees it: without its buyer.

    payout: What the seller was paid for it; null before that.
    """

    id: str
    version: int
    ticket: TicketOutput
    payment: str | None
    completed_at: Moment | None
    payout: Price | None
    fulfilment: str | None
    deliver_by: Moment | None
    accept_by: Moment | None
    claim: ClaimOutput | None
    card_dispute: str | None

    @classmethod
    def of(cls, order: Order) -> "SaleOutput":
        return cls.model_construct(
            **fields_of(order),
            id=order.id,
            version=order.version,
            ticket=TicketOutput.of(order.ticket),
            payment=order.payment,
            completed_at=order.completed_at,
            payout=None if order.fulfilment is None else order.fulfilment.payout,
        )


def fields_of(order: Order) -> dict[str, Any]:
    """The fulfilment as both parties of an order see it; all None until the order is complete.

    fulfilment: `due`, `delivered`, `accepted`, `disputed` or `refunded`. deliver_by: None for a ticket that
    was delivered at once. accept_by: None until it is delivered. card_dispute: `open` or `closed`; None where
    the card's owner never disputed the charge at the bank.
    """
    fulfilment = order.fulfilment
    claim = None if fulfilment is None else fulfilment.claim
    return {
        "fulfilment": None if fulfilment is None else fulfilment.state,
        "deliver_by": None if fulfilment is None else fulfilment.deliver_by,
        "accept_by": None if fulfilment is None else fulfilment.accept_by,
        "claim": None if claim is None else ClaimOutput.of(claim),
        "card_dispute": None if fulfilment is None else fulfilment.card_dispute,
    }


SALES = TypeAdapter(list[SaleOutput])

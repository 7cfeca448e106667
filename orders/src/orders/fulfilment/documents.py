"""Fields of an order's document that hold its fulfilment. `deadline` is derived, for the sweep."""

from common.base.money import Money
from common.contract.events import DeadlineKind
from common.persistence.mongo import Document
from orders.fulfilment.domain import CardDispute, Claim, Fulfilment, State

NONE = dict.fromkeys(
    ("fulfilment", "deliver_by", "accept_by", "deadline", "claim", "card_dispute", "payout_cents")
)


def deadline_kind(state: str) -> DeadlineKind:
    """The kind of deadline of a stored state that has one."""
    return Fulfilment(State(state)).deadline_kind


def to_document(fulfilment: Fulfilment | None) -> Document:
    if fulfilment is None:
        return dict(NONE)
    return {
        "fulfilment": fulfilment.state.value,
        "deliver_by": fulfilment.deliver_by,
        "accept_by": fulfilment.accept_by,
        "deadline": fulfilment.deadline,
        "claim": None if fulfilment.claim is None else _claim_document(fulfilment.claim),
        "card_dispute": None if fulfilment.card_dispute is None else fulfilment.card_dispute.value,
        "payout_cents": None if fulfilment.payout is None else fulfilment.payout.cents,
    }


def _claim_document(claim: Claim) -> Document:
    return {
        "reason": claim.reason,
        "words": claim.words,
        "opened_at": claim.opened_at,
        "answer": claim.answer,
        "answered_at": claim.answered_at,
    }


def from_document(document: Document) -> Fulfilment | None:
    state = document.get("fulfilment")
    if state is None:
        return None
    dispute, payout = document.get("card_dispute"), document.get("payout_cents")
    return Fulfilment(
        state=State(state),
        deliver_by=document.get("deliver_by"),
        accept_by=document.get("accept_by"),
        claim=_claim(document.get("claim")),
        card_dispute=None if dispute is None else CardDispute(dispute),
        payout=None if payout is None else Money(payout),
    )


def _claim(document: Document | None) -> Claim | None:
    if document is None:
        return None
    return Claim(
        reason=document["reason"],
        words=document["words"],
        opened_at=document["opened_at"],
        answer=document.get("answer"),
        answered_at=document.get("answered_at"),
    )

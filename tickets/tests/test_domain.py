from datetime import date

import pytest

from common.base.ids import is_id
from common.base.money import Money
from common.contract.details import Details
from common.contract.events import TicketCreated, TicketUpdated, TicketWithdrawn
from tickets.domain import Ticket
from tickets.errors import HeldByAnother, TicketReserved, TicketTaken

PRICE = Money(2000)


def a_ticket() -> Ticket:
    ticket = Ticket.offer("seller", "Concert", PRICE)
    ticket.saved()
    return ticket


def a_held_ticket(order_id: str = "order") -> Ticket:
    ticket = a_ticket()
    ticket.hold(order_id, PRICE)
    ticket.saved()
    return ticket


def a_sold_ticket() -> Ticket:
    ticket = a_held_ticket()
    ticket.sell("order")
    ticket.saved()
    return ticket


def test_an_offer_is_version_0_of_a_new_ticket_on_sale() -> None:
    ticket = Ticket.offer("seller", "Concert", PRICE)

    assert is_id(ticket.id)
    assert ticket.recorded == TicketCreated(
        id=ticket.id, version=0, title="Concert", price=PRICE, user_id="seller"
    )
    assert (ticket.status, ticket.on_sale) == ("available", True)


DETAILS = Details(date(2027, 5, 1), "Arena", "Row 3")


def test_the_events_of_a_ticket_say_when_where_and_which_seat() -> None:
    ticket = Ticket.offer("seller", "Concert", PRICE, DETAILS)
    offered = ticket.recorded
    ticket.saved()
    ticket.hold("order", PRICE)
    held = ticket.recorded

    assert ticket.details == DETAILS
    assert isinstance(offered, TicketCreated)
    assert isinstance(held, TicketUpdated)
    assert offered.details == held.details == DETAILS


def test_an_edit_is_the_next_version() -> None:
    ticket = a_ticket()

    ticket.edit("Opera", Money(1999))

    assert ticket.recorded == TicketUpdated(
        id=ticket.id, version=1, title="Opera", price=Money(1999), user_id="seller", withdrawn=False
    )
    ticket.saved()
    assert ticket.version == 1


def test_a_hold_names_the_order() -> None:
    ticket = a_ticket()

    ticket.hold("order", PRICE)

    assert ticket.recorded == TicketUpdated(
        id=ticket.id,
        version=1,
        title="Concert",
        price=PRICE,
        user_id="seller",
        order_id="order",
        withdrawn=False,
    )
    assert (ticket.status, ticket.on_sale) == ("held", False)


def test_a_hold_by_the_same_order_again_changes_nothing() -> None:
    ticket = a_held_ticket("order")

    ticket.hold("order", PRICE)

    assert ticket.recorded is None


def test_a_held_ticket_cannot_be_held_by_another_order() -> None:
    ticket = a_held_ticket("order")

    with pytest.raises(HeldByAnother):
        ticket.hold("another", PRICE)

    assert (ticket.order_id, ticket.recorded) == ("order", None)


@pytest.mark.parametrize("ticket", [a_held_ticket(), a_sold_ticket()], ids=["held", "sold"])
def test_an_ordered_ticket_cannot_be_edited_or_withdrawn(ticket: Ticket) -> None:
    with pytest.raises(TicketReserved, match="Cannot edit a reserved ticket"):
        ticket.edit("Opera", Money(1))
    with pytest.raises(TicketTaken):
        ticket.withdraw()

    assert (ticket.title, ticket.withdrawn, ticket.recorded) == ("Concert", False, None)


def test_its_own_order_frees_a_ticket() -> None:
    ticket = a_held_ticket("order")

    ticket.release("order")

    assert isinstance(ticket.recorded, TicketUpdated)
    assert (ticket.recorded.order_id, ticket.recorded.version) == (None, 2)
    assert ticket.on_sale


def test_another_order_does_not_free_a_ticket() -> None:
    ticket = a_held_ticket("order")

    ticket.release("another")

    assert (ticket.order_id, ticket.recorded) == ("order", None)


def test_a_free_ticket_is_not_freed() -> None:
    ticket = a_ticket()

    ticket.release("order")

    assert ticket.recorded is None


def test_a_sale_is_for_good() -> None:
    ticket = a_held_ticket("order")

    ticket.sell("order")

    assert isinstance(ticket.recorded, TicketUpdated)
    assert ticket.recorded.order_id == "order"
    assert (ticket.status, ticket.on_sale) == ("sold", False)


def test_a_sold_ticket_is_not_freed_by_its_order_and_not_sold_again() -> None:
    ticket = a_sold_ticket()

    ticket.release("order")
    ticket.sell("order")

    assert (ticket.order_id, ticket.status, ticket.recorded) == ("order", "sold", None)


@pytest.mark.parametrize("ticket", [a_ticket(), a_held_ticket("another")], ids=["free", "held by another"])
def test_a_ticket_is_sold_only_to_the_order_that_holds_it(ticket: Ticket) -> None:
    ticket.sell("order")

    assert (ticket.sold, ticket.recorded) == (False, None)


def test_a_withdrawal_takes_it_off_sale() -> None:
    ticket = a_ticket()

    ticket.withdraw()

    assert ticket.recorded == TicketWithdrawn(id=ticket.id, version=1)
    assert (ticket.status, ticket.on_sale) == ("withdrawn", False)


def test_a_ticket_that_was_withdrawn_under_an_order_is_held_and_withdrawn_again_when_freed() -> None:
    ticket = a_ticket()
    ticket.withdraw()
    ticket.saved()

    ticket.hold("order", PRICE)
    assert ticket.status == "held"
    ticket.saved()

    ticket.release("order")
    assert (ticket.status, ticket.on_sale) == ("withdrawn", False)

"""Mails about sales, from the API to the mailbox, on real servers."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp
import pytest

from infra.actors.person import Person
from infra.verify.faults import mails
from infra.verify.target import Target

pytestmark = pytest.mark.connected

SECONDS = 20
CONFIRM = "Confirm your e-mail address"


async def received(target: Target, to: str, count: int) -> Sequence[Mapping[str, str]]:
    """The mails to the address but that of the sign-up, once there are `count`."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(SECONDS):
        while True:
            async with http.get(f"{target.url('mailbox')}/mails.json") as answer:
                everything = await answer.json()
            found = [mail for mail in everything if mail["to"] == to and mail["subject"] != CONFIRM]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)


async def test_a_sale_brings_the_buyer_and_the_seller_a_mail_in_their_languages(
    target: Target, seller: Person, buyer: Person
) -> None:
    status, _ = await buyer.call("PUT", "/api/users/mails", {"language": "zh", "notices": True})
    assert status == 204
    ticket = await seller.sell(20.5, "Opera")
    order = await buyer.buy(ticket)

    assert (await buyer.pay(order))[0] == 201

    (bought,) = await received(target, buyer.email, 1)
    assert bought["subject"] == "您已购买“Opera”"
    assert f"/orders/{order}" in bought["text"]
    assert "US$20.50" in bought["text"]
    (sold,) = await received(target, seller.email, 1)
    assert sold["subject"] == 'You sold "Opera"'
    assert f"/sales/{order}" in sold["text"]


async def test_a_seller_turns_the_notices_off_by_the_link_in_one(
    target: Target, seller: Person, buyer: Person
) -> None:
    first, second = await seller.sell(), await seller.sell()
    await buyer.pay(await buyer.buy(first))
    (sold,) = await received(target, seller.email, 1)
    link = next(line for line in sold["text"].splitlines() if "/unsubscribe?token=" in line)

    # As a mail program does: no cookie, no Origin, one field.
    async with aiohttp.ClientSession() as http:
        url = f"{target.edge}/unsubscribe?{link.partition('?')[2]}"
        async with http.post(url, data={"List-Unsubscribe": "One-Click"}) as answer:
            assert answer.status == 200

    await buyer.pay(await buyer.buy(second))
    # Both mails of a sale are put one after the other: the second bought one comes last.
    await received(target, buyer.email, 2)
    assert len(await received(target, seller.email, 1)) == 1


async def test_every_mail_arrives_once_after_an_outage_in_which_auth_is_killed_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await mails.run(tmp_path, 12, 5) == 0, capsys.readouterr().out

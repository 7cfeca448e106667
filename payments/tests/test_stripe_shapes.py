"""Shapes of our requests against Stripe's own description of its API, which stripe-mock checks.

stripe-mock keeps no state, so it shows nothing of the answers. It is a Go module: it is built once, into
`.tools`, where there is Go; without Go, or without the module, these tests are skipped.
"""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import stripe

from common.base.ids import new_id
from common.base.money import Money
from payments.stripe_exchange import (
    LISTED,
    account_params,
    keyed,
    link_params,
    refund_params,
    transfer_params,
)
from payments.stripe_gateway import PAGE, StripeGateway, _confirm_params, _create_params

pytestmark = pytest.mark.connected

MODULE = "github.com/stripe/stripe-mock@v0.203.0"
BIN = Path(__file__).parents[2] / ".tools/stripe-mock-0.203.0"
BUILD_SECONDS = 240
LISTENING = re.compile(r"Listening for HTTP at address: \S+:(\d+)")


async def _binary() -> str:
    path = BIN / "stripe-mock"
    if path.exists():
        return str(path)
    if shutil.which("go") is None:
        pytest.skip("stripe-mock: no Go on this machine")
    build = await asyncio.create_subprocess_exec(
        "go", "install", MODULE, env={**os.environ, "GOBIN": str(BIN)}
    )
    async with asyncio.timeout(BUILD_SECONDS):
        if await build.wait():
            pytest.skip("stripe-mock: can't be built")
    return str(path)


@pytest.fixture
async def gateway() -> AsyncIterator[StripeGateway]:
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(await _binary(), "-http-addr", "127.0.0.1:0", stdout=pipe)
    assert server.stdout is not None
    port = None
    async with asyncio.timeout(30):
        while port is None:
            port = LISTENING.search((await server.stdout.readline()).decode())
    gateway = StripeGateway("sk_test_123", api_base=f"http://127.0.0.1:{port[1]}", network_retries=0)
    yield gateway
    await gateway.close()
    server.terminate()
    await server.wait()


CALLS: dict[str, Callable[[Any], Awaitable[object]]] = {
    "create": lambda intents: intents.create_async(
        _create_params(new_id(), 1, Money(1999)), {"idempotency_key": "order:a"}
    ),
    "confirm": lambda intents: intents.confirm_async("pi_1", _confirm_params("pm_card_visa")),
    "retrieve": lambda intents: intents.retrieve_async("pi_1"),
    "list": lambda intents: intents.list_async({"created": {"gte": 1}, "limit": PAGE}),
    "capture": lambda intents: intents.capture_async("pi_1", options={"idempotency_key": "capture:a"}),
    "cancel": lambda intents: intents.cancel_async("pi_1", options={"idempotency_key": "void:a"}),
}


EXCHANGE: dict[str, Callable[[Any], Awaitable[object]]] = {
    "refund": lambda v1: v1.refunds.create_async(refund_params(new_id(), "pi_1"), keyed("refund:a")),
    "refunds": lambda v1: v1.refunds.list_async({"payment_intent": "pi_1", "limit": LISTED}),
    "transfer": lambda v1: v1.transfers.create_async(
        transfer_params(new_id(), "ch_1", "acct_1", Money(1900)), keyed("payout:a")
    ),
    "transfers": lambda v1: v1.transfers.list_async({"transfer_group": new_id(), "limit": LISTED}),
    "account": lambda v1: v1.accounts.create_async(account_params(new_id()), keyed("account:a")),
    "read an account": lambda v1: v1.accounts.retrieve_async("acct_1"),
    "form": lambda v1: v1.account_links.create_async(link_params("acct_1", "https://gittix.test/sales")),
    "dispute": lambda v1: v1.disputes.retrieve_async("dp_1"),
}


@pytest.mark.parametrize("call", EXCHANGE)
async def test_a_request_after_the_capture_has_the_shape_that_stripe_describes(
    gateway: StripeGateway, call: str
) -> None:
    assert await EXCHANGE[call](gateway._client.v1) is not None


@pytest.mark.parametrize("call", CALLS)
async def test_a_request_has_the_shape_that_stripe_describes(gateway: StripeGateway, call: str) -> None:
    answer = await CALLS[call](gateway._intents)
    assert isinstance(answer, stripe.PaymentIntent | stripe.ListObject)


async def test_a_field_that_stripe_does_not_describe_is_refused(gateway: StripeGateway) -> None:
    params: Any = {**_create_params(new_id(), 1, Money(1999)), "colour": "red"}
    with pytest.raises(stripe.InvalidRequestError, match="additional properties"):
        await gateway._intents.create_async(params)


async def test_the_description_lacks_the_token_of_a_card_which_the_api_takes(gateway: StripeGateway) -> None:
    """When it no longer does, `_confirm_params` needs no exception from the types."""
    with pytest.raises(stripe.InvalidRequestError, match="payment_method_data"):
        await gateway._intents.confirm_async("pi_1", _confirm_params("tok_visa"))

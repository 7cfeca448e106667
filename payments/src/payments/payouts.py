"""Use cases of a seller who is to be paid: the account at the provider."""

import logging

from common.base import times
from payments.context import PaymentContext
from payments.errors import OutcomeUnknown
from payments.gateway import Account

log = logging.getLogger(__name__)

RETURN_PATH = "/sales"
"""Page to which the provider's form leads back."""


async def form(context: PaymentContext, user_id: str) -> str:
    """Address of the provider's own form for being paid; makes the account at first."""
    account = await context.repositories.accounts.of(user_id)
    if account is None:
        account = await context.repositories.accounts.add(await context.gateway.open_account(user_id))
    return await context.gateway.form(account.id, f"{context.public_url}{RETURN_PATH}")


async def account_of(context: PaymentContext, user_id: str) -> Account | None:
    """The seller's account; read from the provider while it is not ready, as after the form."""
    stored = await context.repositories.accounts.of(user_id)
    if stored is None or stored.ready:
        return stored
    try:
        return await read_account(context, stored.id) or stored
    except OutcomeUnknown:
        log.info("the account's state is an earlier one", extra={"account": stored.id})
        return stored


async def read_account(context: PaymentContext, account_id: str) -> Account | None:
    """Stores the provider's state of an account; a ready one makes what waits for it due.

    None for an account of no seller of ours.
    """
    account = await context.gateway.account(account_id)
    if account is None or not await context.repositories.accounts.show(account):
        return None
    if account.ready:
        await context.repositories.dues.hurry_seller(account.user_id, times.now())
    return account

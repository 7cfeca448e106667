import httpx
from fastapi import FastAPI

from common.base.identity import CurrentUser
from common.contract.error_codes import ErrorCode
from common.testing.answers import codes_of_bad_parameters
from common.testing.browser import signed_in


async def test_a_bad_parameter_is_refused_with_a_code_of_the_contract(
    app: FastAPI, client: httpx.AsyncClient, seller: CurrentUser
) -> None:
    codes = await codes_of_bad_parameters(client, app, signed_in(seller))

    assert {ErrorCode.LIMIT_INVALID, ErrorCode.CURSOR_INVALID} <= codes
    assert codes <= set(ErrorCode)

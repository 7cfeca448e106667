"""The chaos users' access to the edge, with a count of the requests that failed."""

from typing import Any

from common.contract.error_codes import ErrorCode
from infra.actors.person import Person
from infra.verify.chaos.answers import Answer
from infra.verify.chaos.ledger import Ledger
from infra.verify.chaos.shop import Shop


class CountingShop(Shop):
    def __init__(self, edge: str, ledger: Ledger, rate: float) -> None:
        super().__init__(edge, ledger, rate)
        self._by_the_provider = 0

    @property
    def failures(self) -> int:
        """Requests with a 5xx or no answer, except for what the fake payment provider causes on purpose."""
        answers = self.ledger.answers
        return answers["5xx"] + answers["no answer"] - self._by_the_provider

    async def send(self, account: Person, method: str, path: str, body: Any) -> Answer:
        answer = await super().send(account, method, path, body)
        self._by_the_provider += answer.code == ErrorCode.PAYMENT_OUTCOME_UNKNOWN
        return answer

"""Webhook events of a provider or of an attacker: repeated three times, shuffled, late, forged."""

import hashlib
import hmac
import json
import random
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import aiohttp

PATH = "/api/payments/webhook"
KINDS = ("amount_capturable_updated", "canceled", "payment_failed", "succeeded")
FAR = 400
"""Seconds between now and a signature's time that is certainly refused."""


def event(kind: str, intent_id: str, event_id: str) -> str:
    """Stripe's event object, with the fields that the service reads."""
    body = {"id": event_id, "object": "event", "type": f"payment_intent.{kind}"}
    return json.dumps(body | {"data": {"object": {"id": intent_id, "object": "payment_intent"}}})


def signature(payload: str, secret: str, at: float) -> str:
    """The header `Stripe-Signature`, scheme v1."""
    signed = hmac.new(secret.encode(), f"{int(at)}.{payload}".encode(), hashlib.sha256).hexdigest()
    return f"t={int(at)},v1={signed}"


@dataclass
class Storm:
    """Sends events about intents and counts the answers; `wrong` holds the unexpected ones."""

    edge: str
    secret: str
    chance: random.Random
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    async def rage(self, session: aiohttp.ClientSession, intents: Iterable[str]) -> None:
        deliveries = [delivery for intent in intents for delivery in self._about(intent)]
        self.chance.shuffle(deliveries)
        for payload, header, genuine in deliveries:
            async with session.post(
                self.edge + PATH, data=payload, headers={"Stripe-Signature": header}
            ) as response:
                status = response.status
            kind = "genuine" if genuine else "forged"
            self.answers[kind] += 1
            if status not in ((200, 503) if genuine else (400,)):
                self.wrong.append(f"a {kind} event was answered {status}")

    def _about(self, intent: str) -> Iterable[tuple[str, str, bool]]:
        """One event of any kind, true or false, three times; and one whose signature is not valid now."""
        now = time.time()
        payload = event(self.chance.choice(KINDS), intent, f"evt_{self.chance.getrandbits(64):x}")
        for _ in range(3):
            yield payload, signature(payload, self.secret, now), True
        forged = event(self.chance.choice(KINDS), intent, f"evt_{self.chance.getrandbits(64):x}")
        header = self.chance.choice(
            [
                signature(forged, "whsec_of_nobody", now),
                signature(forged, self.secret, now - FAR),
                signature(forged, self.secret, now + FAR),
                signature(payload + " ", self.secret, now),
                "t=,v1=",
                "",
            ]
        )
        yield forged, header, False

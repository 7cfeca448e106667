"""Events of the storm: the service accepts the signed ones and refuses the forged ones."""

import time

import pytest

from infra.verify.faults.webhooks import FAR, event, signature
from payments.errors import BadSignature
from payments.webhook import verified

SECRET = "whsec_1"
PAYLOAD = event("succeeded", "pi_1", "evt_1")


def test_a_signed_event_is_the_provider_s() -> None:
    taken = verified(PAYLOAD.encode(), signature(PAYLOAD, SECRET, time.time()), SECRET)

    assert (taken.id, taken.type, taken.data.object.id) == ("evt_1", "payment_intent.succeeded", "pi_1")


@pytest.mark.parametrize(("secret", "late"), [("whsec_2", 0), (SECRET, -FAR), (SECRET, FAR)])
def test_a_forged_one_is_not(secret: str, late: int) -> None:
    with pytest.raises(BadSignature):
        verified(PAYLOAD.encode(), signature(PAYLOAD, secret, time.time() + late), SECRET)

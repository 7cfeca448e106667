"""The marketplace's event stream."""

from common.messaging.stream import StreamSpec

MARKETPLACE = StreamSpec(
    "gittix",
    (
        "ticket.>",
        "order.>",
        "expiration.>",
        "deadline.>",
        "payment.>",
        "payout.>",
        "session.>",
        "user.>",
    ),
)

"""What the tests share: a gateway that can be steered, a Stripe in this process, orders' events."""

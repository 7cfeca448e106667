"""The port of `messaging/stream.py` over NATS JetStream."""

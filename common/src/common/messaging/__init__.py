"""Events over NATS JetStream: publishers, listeners, consumers, dead letters, subscriptions."""

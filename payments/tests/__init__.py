"""Tests of payments, and their shared parts: a steered gateway, a Stripe in this process, orders' events."""

"""Payments of orders: authorised first; captured when the order completes, voided when it is cancelled."""

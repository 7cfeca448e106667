"""The money of orders: authorised first, captured when the order completed, voided when it did not."""

"""Model of orders, payments and the provider, in which any step may fail."""

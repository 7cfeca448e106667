"""The events and the stream that the marketplace's services agree on."""

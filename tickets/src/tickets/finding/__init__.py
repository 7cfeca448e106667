"""Search by words: an index of the tickets on sale in each process, fed by the ticket events."""

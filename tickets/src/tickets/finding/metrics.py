"""Metrics of the search index of this process."""

from prometheus_client import Counter, Gauge, Histogram

DOCUMENTS = Gauge("search_documents", "Tickets on sale in this process's search index")
LAG = Gauge("search_lag_seconds", "Age of the last event that was indexed, when it could be found")
CAUGHT_UP = Gauge("search_caught_up", "1 while this process searches in its index, 0 while in the database")
COMMITS = Counter("search_commits", "Commits of the search index")
REBUILDS = Counter("search_rebuilds", "Search indexes that were made from nothing")
QUERY_SECONDS = Histogram(
    "search_query_seconds",
    "Time of a search in the index, by its order",
    ["sort"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0),
)

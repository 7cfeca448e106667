"""A blog of five services without a database: the event store replays the state of each."""

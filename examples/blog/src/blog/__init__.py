"""A blog of five services that keep nothing: what each remembers is what the event store replays to it."""

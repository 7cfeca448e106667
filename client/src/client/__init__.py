"""The pages: HTML rendered here from the responses of the APIs, usable without JavaScript."""

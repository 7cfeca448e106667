"""Input that no client should send and that some will: never a 500."""

JSON = {"Content-Type": "application/json"}

LITERALS = (
    '{"$gt": ""}',
    '{"$ne": null}',
    "[]",
    "[[[[[[[[[[]]]]]]]]]]",
    "null",
    "true",
    "false",
    "-0",
    "1e400",
    "-1e400",
    "1e-400",
    "NaN",
    "Infinity",
    "9" * 30,
    "9" * 5000,
    "0." + "3" * 400,
    '""',
    '" "',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u202e"',
    '"' + "x" * 100_000 + '"',
)
"""JSON, and what passes for it, for the place of any field's value."""

NUMERIC_STRINGS = (
    '"1e-9999999"',
    '"1e9999999"',
    '"1_000"',
    '"NaN"',
    '"Infinity"',
    '"\\u0661\\u0662"',
    '"' + "9" * 30 + '"',
)
"""Strings, as JSON, that a careless parser takes for an amount."""

BODIES = (
    b"",
    b" ",
    b"{",
    b"}",
    b"[]",
    b"null",
    b"true",
    b"1e400",
    b'"text"',
    b"\x00",
    b"\xff\xfe",
    b"{} {}",
    b"{'title': 'x'}",
    b'{"\\ud800": 1}',
    b"[" * 100_000,
    b'{"a":' * 20_000,
)
"""Bodies that are no JSON object."""

PATH_IDS = (
    "0",
    "null",
    "None",
    "6b04b2fe170238a844cc9a8",
    "6b04b2fe170238a844cc9a80a",
    "zzzzzzzzzzzzzzzzzzzzzzzz",
    "6B04B2FE170238A844CC9A80",
    "%00",
    "%ED%A0%80",
    "%FF",
    "%7B%22$gt%22:%22%22%7D",
    "..%2F..%2Fetc%2Fpasswd",
    "x" * 4000,
)
"""Ids in a URL that name nothing."""

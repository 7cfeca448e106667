"""Bounds of an uploaded file, of its reading, and of the reader's process."""

MAX_BYTES = 5 * 1024 * 1024
MAX_PAGES = 10
MAX_PIXELS = 25_000_000
"""Pixels of a picture, 5,000 by 5,000: a larger one is refused before it is decoded."""
MAX_EDGE = 2_339
"""Longest edge of a stored picture in pixels: of an A4 page at 200 dots an inch."""
MAX_STORED_BYTES = 12 * 1024 * 1024
MAX_BARCODES = 50
"""Barcodes of one file."""

CPU_SECONDS = 6
WALL_SECONDS = 20.0
MEMORY_BYTES = 1024 * 1024 * 1024
"""Address space of a worker, with its libraries: 5,000 by 5,000 pixels fit, and little more."""
WORKERS = 2
"""Files that a process of the service reads at once."""
WAITING = 16
"""Uploads that wait for a worker; further ones are refused."""

"""Files of listings: read in a worker process, kept as pictures of their pages, encrypted."""

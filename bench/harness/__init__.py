"""The benchmark of taskgate: what it is measured against, by which requests, and what was found."""

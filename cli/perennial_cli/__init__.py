"""The `perennial` command line: start, feed, inspect and repair the platform."""

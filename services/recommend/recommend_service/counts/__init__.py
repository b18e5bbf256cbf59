"""Counts: what is bought, viewed and wanted together, as the log tells it."""

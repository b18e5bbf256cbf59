"""`perennial up`: one process that starts, watches, restarts and stops the whole platform on one machine."""

"""Facts: who viewed, bought, gave back and complained of what, as the log tells it."""

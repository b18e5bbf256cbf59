"""Programs that die at a chosen moment."""

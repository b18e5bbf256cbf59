"""The models in memory: loaded from the projection at the start, and kept by every event."""

"""The load: one process of its own, which sends requests that were encoded before the clock started."""

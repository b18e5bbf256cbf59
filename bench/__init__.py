"""The benchmark: what the platform does on this machine, beside what is possible on it (`python -m bench`)."""

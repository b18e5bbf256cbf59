"""Privacy: everything about a customer told, or forgotten, in every service."""

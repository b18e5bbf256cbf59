"""The timeline: everything that happened to a customer."""

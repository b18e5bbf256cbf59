"""Identities: what a customer is known by, who turned out to be whom, and companies' contacts."""

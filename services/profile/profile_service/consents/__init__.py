"""Consents: what a customer allowed, by channel and purpose, with everything that came before."""

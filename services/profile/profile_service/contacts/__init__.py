"""Contacts: whether somebody may be reached, and where, in one answer."""

"""Cases: what is done about complaints, by whom, and how far it has come."""

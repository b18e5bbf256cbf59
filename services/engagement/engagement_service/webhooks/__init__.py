"""Partners' webhooks out: endpoints, what they are sent, and its delivery."""

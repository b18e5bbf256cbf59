"""Why a platform is not started."""


class StartRefused(Exception):
    """Starting here would disturb something or cannot work; the sentence says what to do instead."""

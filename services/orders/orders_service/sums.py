"""What many amounts add up to."""

from perennial_http import Answer, Currency


class Sum(Answer):
    """Minor units of a currency. Unlike one amount it may be negative, and as large as it comes."""

    amount: int
    currency: Currency

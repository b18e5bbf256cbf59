"""Profile (select): who our customers are, and what each is worth."""

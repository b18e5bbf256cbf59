"""Reviews: how satisfied customers say they were with an order, a product or the shop."""

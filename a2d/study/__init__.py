"""A study: from a scale and its experiments to runs, and to what the workflow asks of them."""

"""Networks: manual ones, the searchable operators, the supernet, and the agent around them."""

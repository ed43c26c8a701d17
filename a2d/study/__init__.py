"""How a scale becomes runs: what is planned, what is recorded, and what is left to do. Nothing here draws."""

"""How the benchmark's table is defined, trained and published."""

"""How records become results, statistics, verdicts, tables and figures; imports no torch."""

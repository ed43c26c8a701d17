"""How records become results, statistics, verdicts, tables and figures. Nothing here imports torch."""

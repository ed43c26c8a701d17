# Searches: a record, from which the architecture is written beside it as plain data.


use rule train_manual as search with:
    """One architecture search."""
    wildcard_constraints:
        method=r"search-[^/]+",

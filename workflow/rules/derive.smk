# Derived and random architectures, trained from scratch.


use rule train_manual as train_derived with:
    """One agent with an architecture that a search found, or a random one of the same cost."""
    wildcard_constraints:
        method=r"(derived|random)-[^/]+",

# Derived and random architectures, trained from scratch.


use rule train_manual as train_derived with:
    wildcard_constraints:
        method=r"(derived|random)-[^/]+",

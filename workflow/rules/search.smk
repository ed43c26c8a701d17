# Searches: a record, and the architecture as plain data.


use rule train_manual as search with:
    output:
        FILES.results / SCALE / "{task}" / "{method}" / "{name}.json",
        FILES.results / SCALE / "{task}" / "{method}" / "{name}.arch.json",
    wildcard_constraints:
        method=r"search-[^/]+",

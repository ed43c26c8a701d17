rule records:
    input:
        records(STUDY.runs.values()),

PAGE = records(STUDY.runs.values())

"""From a task to a small agent in one command: teacher, search, students, controls, an answer."""

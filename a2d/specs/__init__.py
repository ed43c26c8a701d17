"""What a run is, as plain data: a task, an architecture, settings, and their key."""

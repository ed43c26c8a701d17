"""What a run is, as plain data: a task, an architecture, settings, and the key that follows from them."""

"""Teachers from elsewhere: their files are read, and never executed."""

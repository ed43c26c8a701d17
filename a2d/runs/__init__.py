"""How a spec becomes a record: training, checkpoints, test episodes, files."""

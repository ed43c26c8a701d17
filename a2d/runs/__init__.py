"""How a spec becomes a record: training, checkpoints, evaluation, and the files that they leave."""

"""Auto-Agent-Distiller: architecture search for reinforcement-learning agents, stabilised by a teacher."""

__version__ = "0.1.0"

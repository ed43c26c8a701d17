"""Auto-Agent-Distiller: architecture search for deep RL agents, stabilised by a teacher."""

__version__ = "0.1.0"

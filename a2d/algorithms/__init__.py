"""How an agent learns: rollouts, losses, optimisers, and the actor-critic that brings them together."""

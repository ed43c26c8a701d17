"""How an agent learns: rollouts, losses, optimisers, and the actor-critic that combines them."""

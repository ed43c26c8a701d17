"""Two tasks as a user would write them, in a package that knows nothing of a2d."""

import gymnasium

gymnasium.register("orchard/Pick-v0", "orchard.pick:Pick")
gymnasium.register("orchard/Dock-v0", "orchard.dock:Dock", max_episode_steps=60)

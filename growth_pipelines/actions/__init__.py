"""The action: the one unit that every part of the machine shares; its lifecycle, scoring and executors."""

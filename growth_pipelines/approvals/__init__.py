"""How people decide: who they are, how they prove it, and the one function through which every channel decides."""

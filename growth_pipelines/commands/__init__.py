"""The terminal's commands, one module a subject; each imports what it needs when it is called."""

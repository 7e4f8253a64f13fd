"""Under which terms actions are decided: who, how many, by when, and what may pass without anyone."""

"""Experiments as they read in the published warehouse, and what follows: a ramp, a stop on harm, a decision."""

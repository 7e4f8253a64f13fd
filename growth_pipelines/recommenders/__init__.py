"""The recommenders: pure functions from mart frames and a context to drafted actions.

No I/O, no clock, no settings: everything a recommender knows arrives as an argument, and the same input
gives the same drafts. :mod:`growth_pipelines.recommenders.registry` lists them.
"""

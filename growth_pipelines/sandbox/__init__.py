"""A stand-in shop that speaks the real protocols: Shopify's Admin GraphQL API, Search Console, CrUX and PageSpeed.

It runs as a process of its own (``python -m growth_pipelines.sandbox``); nothing else imports it. Behind the
protocols a seeded generator makes a hot-rod-parts shop and plants truths in it that only tests may read.
"""

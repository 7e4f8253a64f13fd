"""Shopify's Admin GraphQL API over the sandbox shop: the real schema, costs, paging, search, bulk and mutations."""

"""Shopify's Admin GraphQL API over the sandbox shop: real schema, costs, paging, search, bulk and mutations."""

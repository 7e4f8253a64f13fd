"""Shopify's Admin GraphQL API: the client, its pacing, connections page by page, and bulk operations."""

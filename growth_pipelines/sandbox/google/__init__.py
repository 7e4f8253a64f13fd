"""Google's three APIs over the sandbox shop: Search Console, CrUX (records and history) and PageSpeed Insights."""

"""Google's three APIs: Search Console, the Chrome UX Report and PageSpeed Insights."""

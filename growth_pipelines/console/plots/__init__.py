"""What an action's figures rest on, drawn: series from the published data, Vega-Lite specs, SVG for a page."""

"""Whether the data can be trusted: contracts on what lands, comparison with the past, a score a source."""

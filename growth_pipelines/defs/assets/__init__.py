"""The assets, one module a subject, along the data's way: raw, dbt, published, monitoring, proposals, queue."""

"""What people may change in a draft, and how the texts of each template fare with them."""

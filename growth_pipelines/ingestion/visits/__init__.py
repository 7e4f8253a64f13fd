"""What visitors' browsers say of experiments: who they are (random ids), which arms they met, what they did."""

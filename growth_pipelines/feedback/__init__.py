"""What decisions, edits and outcomes teach: captured from the store, learnt from, fed back."""

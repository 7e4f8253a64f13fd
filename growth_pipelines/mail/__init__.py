"""The mailbox: a digest each morning and the few things that can't wait. Nothing is decided by mail."""

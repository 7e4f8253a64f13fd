"""The Telegram channel: requests go to linked chats, and what is tapped there decides through the one decide()."""

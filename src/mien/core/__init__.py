"""The words: what an event, an item, a user and a profile are. No I/O; imports nothing else of Mien."""

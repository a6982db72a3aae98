"""The console: who a user is, why, and what it changes."""

"""Made trustworthy: every event judged with a reason, sessions, the split by time, and the report of all that."""

"""The six-row case: a Chinese log of two users, read without a mapping file."""

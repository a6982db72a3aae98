"""The learned blend: candidates from every model, described by numbers, ordered by trees."""

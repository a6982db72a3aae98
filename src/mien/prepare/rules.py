"""What the table half and the live half of cleaning agree on."""

from mien.core.tables import LOGGED

NUMBERS = (LOGGED.QUANTITY, LOGGED.VALUE)
"""The columns that are repaired, in the order in which their words are listed."""
FINITE = 1e300
"""A number is finite when it lies within ± this: unlike `isnan`, the comparison reads alike in every engine."""
REPEATED_ID = "[0-9a-f]{20}-[0-9]+"
"""The id that collecting gives to a row which repeats an earlier row of its file."""

"""The health of everything, as one picture; and the alerts that come of it."""

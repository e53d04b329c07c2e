"""What we claim about speed, and how to repeat it: `make bench`."""

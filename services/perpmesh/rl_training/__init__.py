"""Training sizing policies as jobs, judging them on unseen bars, and keeping the ones that serve."""

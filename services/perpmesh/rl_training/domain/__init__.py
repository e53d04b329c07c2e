"""What training means: markets to learn on, jobs, models, and which model serves."""

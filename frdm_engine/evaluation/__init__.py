"""Measuring restorers against the truth and against simpler methods."""

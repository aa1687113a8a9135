"""Folding the log again beside the tables that it was folded into."""

"""The published ranking policy and the texts for people; data only."""

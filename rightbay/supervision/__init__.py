"""Keeps the programs of one data folder running, and ends them with it."""

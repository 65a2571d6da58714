"""The main job in one go, and how it looks."""

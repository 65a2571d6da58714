"""Times by road: what an engine measured, the engines, and maps built for them.

An engine that fails, or has no road near a place, is never a reason to stay silent: the decision is
made by straight lines there, and says so.
"""

"""The telematics unit: what it decides, what it remembers, and its line to the broker.

It forgets a report for a receipt only, never because a broker said that it has the message.
"""

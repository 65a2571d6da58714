"""Load: many units over a few connections, with a plan made beforehand and an account of receipts.

It speaks MQTT itself and reads nothing of the gateway, so that what it says of it is evidence.
"""

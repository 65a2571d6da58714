"""Virtual CAN buses, control units, telematics units, fleets and repairer networks.

An independent reading of the standards: nothing here imports the gateway, so that each can be held
against the other.
"""

"""What happens on a vehicle's CAN bus: transport, broadcasts, and the ways to read them.

Nothing here knows MQTT or disks, and nothing is ever sent to a vehicle but requests to read.
"""

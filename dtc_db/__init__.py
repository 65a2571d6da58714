"""What a trouble code means, how urgent it is, and which competence mending it takes.

Pure knowledge: no clock, no network, no database. Where nothing is known, it says so; unknown is
never treated as harmless. It never names a repairer.
"""

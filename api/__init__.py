"""What others see of Rightbay: HTTP, pushes to cars.

It reads what was decided; it decides nothing.
"""

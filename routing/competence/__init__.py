"""Who holds what: titles under dated schemes, and the people present at an hour.

It judges one site against one expression over skills; it ranks nobody and knows no distance.
"""

"""Lets ``python -m rightbay`` be the command line."""

from rightbay.cli import main

if __name__ == "__main__":
    main()

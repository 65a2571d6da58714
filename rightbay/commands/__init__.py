"""One module for each subcommand of `rightbay`."""

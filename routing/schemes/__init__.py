"""The schemes that recognise competence, one dated TOML file each; `catalogue` reads them."""

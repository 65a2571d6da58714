"""What is known, as data: tables that a mechanic can read and correct without reading code."""

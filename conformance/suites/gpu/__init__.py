"""Steps that ask for a GPU."""

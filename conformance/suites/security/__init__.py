"""Who may do what: enough, and no more."""

"""The only code that talks to a deployment: typed views, every call with a deadline."""

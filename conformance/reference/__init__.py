"""Reference implementations of components that a registry can not always supply."""

"""Steps as pods."""

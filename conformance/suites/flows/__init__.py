"""Scenarios run to their end, and leave what they should."""

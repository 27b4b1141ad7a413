"""Tests of the model-based test: it finds what is wrong with services that are broken in one point each."""

"""Tests of the contract: the document is sound, complete and exercised, and what breaks it is found."""

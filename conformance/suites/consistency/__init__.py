"""All components tell the same story of a run."""

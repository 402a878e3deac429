"""Does it look like someone who listens? Measures a served listener against recorded ones, with a report to look at."""

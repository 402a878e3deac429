"""What the evaluations of all families share: counting and intervals, tables, the page, bundles run over arrays."""

"""What a report writes: CSV tables, report.md, one HTML page."""

"""HTTP messages as plain data. Opens nothing."""

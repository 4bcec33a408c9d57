"""Pictures as SVG, made on the server: each has a title and a description, and a table beside it has its figures."""

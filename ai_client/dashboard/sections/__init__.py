"""The sections of the first page, each with its rows as data and its body as HTML."""

"""A small Django project for the tests, in process and under real servers."""

"""Libraries that take an OpenAI client, each in a module: the sides from which they are used."""

"""The mistakes that have a name, a module of them each."""

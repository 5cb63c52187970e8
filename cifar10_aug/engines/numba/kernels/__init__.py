"""The compiled loops of the eager engine. Each file is compiled when it is first needed."""

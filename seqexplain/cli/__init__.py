"""The command line: one module a subcommand, which parses, calls one function and writes."""

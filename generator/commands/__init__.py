"""Commands: one module for each, named as it is typed. Heavy libraries are imported in the functions, so that `--help` stays instant."""

"""What the words mean: every table, column, unit and code list, said once, in YAML.

Here belong the YAML files, the loader that checks them, and the renderings that follow from them alone (DDL, Arrow
schemas, expectation lists, codebook, data package fields). Nothing here knows a source, a path on disk or a framework.
"""

"""The front door: the `custody` command, and reading a release from Python.

Here belong the command's words and its printing. What is done is done in the other rooms.
"""

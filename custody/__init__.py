"""The front door: the `custody` command.

Here belong the command's words and its printing. What is done is done in the other rooms.
"""

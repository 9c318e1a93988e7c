"""Puts FRDM into host applications, and takes it out again. A leaf: the standard library and pip, nothing else.

`nuke` installs and uninstalls; `locations` knows the folders, `wheels` the pyzmq of each interpreter, `block` the lines
in a user's own `init.py`, `manifest` what was written, `tree` how a folder is changed.
"""

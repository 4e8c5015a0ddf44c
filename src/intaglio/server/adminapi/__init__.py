"""The administration API and the page that welcomes the first administrator, over HTTP; made of the table of acts.

It must not know what an act does, and no act knows of it.
"""

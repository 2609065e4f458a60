"""Pages that people look at: one HTML file each, light or dark as the reader's screen is.

`page` has the frame and the parts of a page, `figures` puts Matplotlib's figures and images into
it, `run` is the report of a run folder.
"""

"""What nbconvert does with tagged cells, with `--to html --config notebooks/nbconvert_config.py`.

For pages and slides only: a notebook that is run and written in place keeps all its cells.
"""

c = get_config()  # noqa: F821
for exporter in (c.HTMLExporter, c.SlidesExporter):
    exporter.TagRemovePreprocessor.enabled = True
    exporter.TagRemovePreprocessor.remove_cell_tags = {"remove-cell"}
    exporter.TagRemovePreprocessor.remove_input_tags = {
        "hide-input",
        "hide-cell",
        "remove-input",
    }
    exporter.TagRemovePreprocessor.remove_all_outputs_tags = {"hide-output", "remove-output"}

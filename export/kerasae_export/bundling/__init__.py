"""From a trained model to a bundle: layout, step sizes, entropy tables, files, model card."""

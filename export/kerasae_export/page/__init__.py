"""The page of a bundle: its files, the server, and LiteRT.js, which runs the models in it."""

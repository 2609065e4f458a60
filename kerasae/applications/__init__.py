"""What a trained autoencoder is used for: anomalies, inpainting, classifiers, pretraining."""

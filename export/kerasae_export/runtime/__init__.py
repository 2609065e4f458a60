"""The codec of a bundle, on a machine without Keras and TensorFlow."""

from kerasae_export.runtime.codec import Codec, Coded

__all__ = ["Codec", "Coded"]

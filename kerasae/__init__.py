"""kerasae: autoencoders in Keras 3, from the first equation to a phone.

Every public name is loaded on first use, so `import kerasae` itself is cheap and
imports neither Keras nor TensorFlow. Loading a saved model that uses kerasae's own
layers or models needs `import kerasae` first, which registers them with Keras as soon as Keras is
imported; the encoder and the decoder alone never do.

In Jupyter and IPython the import is quiet: TensorFlow starts without its native notes, unless
`TF_CPP_MIN_LOG_LEVEL` is set to 0. Errors and Python's warnings show as ever. Import kerasae before
Keras for that; `kerasae_export.quiet` says what is hidden, and how.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
from typing import TYPE_CHECKING, Any

from kerasae_export._imports import alias_modules, on_first_use

if TYPE_CHECKING:
    from kerasae import evaluation as evaluation
    from kerasae import plots as plots
    from kerasae import priors as priors
    from kerasae import samplers as samplers
    from kerasae._conditions import at_label as at_label
    from kerasae._padding import PADDING as PADDING
    from kerasae.applications import anomaly as anomaly
    from kerasae.applications import masks as masks
    from kerasae.applications.classification import build_classifier as build_classifier
    from kerasae.applications.imputation import forecast as forecast
    from kerasae.applications.imputation import impute as impute
    from kerasae.applications.inpainting import inpaint as inpaint
    from kerasae.applications.pretraining import pretrain_layerwise as pretrain_layerwise
    from kerasae.applications.principal_axes import decorrelate_code as decorrelate_code
    from kerasae.builders import BUILDERS as BUILDERS
    from kerasae.builders import Builder as Builder
    from kerasae.builders import build as build
    from kerasae.builders.conditional import build_conditional as build_conditional
    from kerasae.builders.contractive import build_contractive as build_contractive
    from kerasae.builders.convolutional import build_convolutional as build_convolutional
    from kerasae.builders.denoising import build_denoising as build_denoising
    from kerasae.builders.masked import build_masked as build_masked
    from kerasae.builders.masked_transformer import (
        build_masked_transformer as build_masked_transformer,
    )
    from kerasae.builders.overcomplete import build_overcomplete as build_overcomplete
    from kerasae.builders.rate_distortion import build_rate_distortion as build_rate_distortion
    from kerasae.builders.recurrent import build_recurrent as build_recurrent
    from kerasae.builders.recurrent import fixed_length as fixed_length
    from kerasae.builders.segmentation import build_segmentation as build_segmentation
    from kerasae.builders.sparse import build_sparse as build_sparse
    from kerasae.builders.tabular import build_tabular as build_tabular
    from kerasae.builders.undercomplete import build_undercomplete as build_undercomplete
    from kerasae.builders.variational import build_variational as build_variational
    from kerasae.builders.vector_quantized import build_vector_quantized as build_vector_quantized
    from kerasae.data import Images as Images
    from kerasae.data import Volumes as Volumes
    from kerasae.data import load_images as load_images
    from kerasae.data.augmentation import Augment as Augment
    from kerasae.data.sequences import Sequences as Sequences
    from kerasae.data.sequences import load_sequences as load_sequences
    from kerasae.data.streaming import stream_images as stream_images
    from kerasae.data.streams import ImageStream as ImageStream
    from kerasae.data.tables import Column as Column
    from kerasae.data.tables import Table as Table
    from kerasae.data.tables import load_table as load_table
    from kerasae.data.volumes import load_volumes as load_volumes
    from kerasae.pretrained import load_pretrained as load_pretrained
    from kerasae.pretrained import pretrained_cards as pretrained_cards
    from kerasae.pretrained import save_pretrained as save_pretrained
    from kerasae.sweeps import Between as Between
    from kerasae.sweeps import sweep as sweep
    from kerasae.training import TrainConfig as TrainConfig
    from kerasae.training import connect_hosts as connect_hosts
    from kerasae.training import train as train
    from kerasae.training.trackers import tracker as tracker
    from kerasae_export.conversion.split import decoder as decoder
    from kerasae_export.conversion.split import encoder as encoder
    from kerasae_export.conversion.split import inference_model as inference_model

__version__ = "0.1.0"

_HOME = {
    "Augment": "kerasae.data.augmentation",
    "BUILDERS": "kerasae.builders",
    "Between": "kerasae.sweeps",
    "Builder": "kerasae.builders",
    "Column": "kerasae.data.tables",
    "ImageStream": "kerasae.data.streams",
    "Images": "kerasae.data",
    "PADDING": "kerasae._padding",
    "Sequences": "kerasae.data.sequences",
    "Table": "kerasae.data.tables",
    "Volumes": "kerasae.data",
    "TrainConfig": "kerasae.training",
    "at_label": "kerasae._conditions",
    "build": "kerasae.builders",
    "build_classifier": "kerasae.applications.classification",
    "build_conditional": "kerasae.builders.conditional",
    "build_contractive": "kerasae.builders.contractive",
    "build_convolutional": "kerasae.builders.convolutional",
    "build_denoising": "kerasae.builders.denoising",
    "build_masked": "kerasae.builders.masked",
    "build_masked_transformer": "kerasae.builders.masked_transformer",
    "build_overcomplete": "kerasae.builders.overcomplete",
    "build_rate_distortion": "kerasae.builders.rate_distortion",
    "build_recurrent": "kerasae.builders.recurrent",
    "build_segmentation": "kerasae.builders.segmentation",
    "build_sparse": "kerasae.builders.sparse",
    "build_tabular": "kerasae.builders.tabular",
    "build_undercomplete": "kerasae.builders.undercomplete",
    "build_variational": "kerasae.builders.variational",
    "build_vector_quantized": "kerasae.builders.vector_quantized",
    "connect_hosts": "kerasae.training",
    "decoder": "kerasae_export.conversion.split",
    "decorrelate_code": "kerasae.applications.principal_axes",
    "encoder": "kerasae_export.conversion.split",
    "fixed_length": "kerasae.builders.recurrent",
    "forecast": "kerasae.applications.imputation",
    "impute": "kerasae.applications.imputation",
    "inpaint": "kerasae.applications.inpainting",
    "inference_model": "kerasae_export.conversion.split",
    "load_images": "kerasae.data",
    "load_pretrained": "kerasae.pretrained",
    "load_sequences": "kerasae.data.sequences",
    "load_table": "kerasae.data.tables",
    "load_volumes": "kerasae.data.volumes",
    "pretrain_layerwise": "kerasae.applications.pretraining",
    "pretrained_cards": "kerasae.pretrained",
    "save_pretrained": "kerasae.pretrained",
    "stream_images": "kerasae.data.streaming",
    "sweep": "kerasae.sweeps",
    "tracker": "kerasae.training.trackers",
    "train": "kerasae.training",
}

_MODULES = {
    "anomaly": "kerasae.applications.anomaly",
    "evaluation": "kerasae.evaluation",
    "masks": "kerasae.applications.masks",
    "plots": "kerasae.plots",
    "priors": "kerasae.priors",
    "samplers": "kerasae.samplers",
}

_MOVED = {
    "kerasae.anomaly": "kerasae.applications.anomaly",
    "kerasae.classification": "kerasae.applications.classification",
    "kerasae.codes": "kerasae.applications.principal_axes",
    "kerasae.inpainting": "kerasae.applications.inpainting",
    "kerasae.masks": "kerasae.applications.masks",
    "kerasae.pretraining": "kerasae.applications.pretraining",
    "kerasae.sequences": "kerasae.data.sequences",
    "kerasae.versus": "kerasae.codec_comparison",
}
_DOCUMENTED = ("kerasae.anomaly", "kerasae.masks", "kerasae.sequences")

__all__ = ["__version__", *sorted(_HOME)]

__getattr__, __dir__ = on_first_use(__name__, {**_HOME, **_MODULES}, _MODULES)
alias_modules(_MOVED, documented=_DOCUMENTED)


class _RegisterClasses(importlib.abc.MetaPathFinder):
    """Imports layers and models, which registers them, right after somebody imports Keras."""

    _asking = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "keras" or self._asking:
            return None
        # It stays until Keras is executed: somebody may only ask whether there is Keras.
        self._asking = True
        try:
            spec = importlib.util.find_spec("keras")
        finally:
            self._asking = False
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: Any) -> None:
                if self in sys.meta_path:
                    sys.meta_path.remove(self)
                execute(module)
                importlib.import_module("kerasae.models")

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


if "keras" in sys.modules:
    importlib.import_module("kerasae.models")
else:
    sys.meta_path.insert(0, _RegisterClasses())

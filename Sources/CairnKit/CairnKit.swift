/// Everything that a program needs to train with Cairn: tensors, optimizers, checkpoints, training.
@_exported public import Checkpoints
@_exported public import KerasConfiguration
@_exported public import Optimizers
@_exported public import Tensors
@_exported public import Training

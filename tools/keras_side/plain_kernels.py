"""To be imported before TensorFlow: without oneDNN, whose sums may come in another order in the next process: a
model of Keras 2 and its own file loaded again were 2.1e-6 apart with it, and equal without."""

import os

os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

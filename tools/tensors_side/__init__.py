"""What runs inside the environment `tensors`: NumPy and safetensors, no Keras."""

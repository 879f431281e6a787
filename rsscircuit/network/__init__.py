"""Networks in: ONNX or NumPy files to a graph of layers, and what those layers compute."""

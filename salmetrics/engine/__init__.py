"""The engine: calls models and computes metrics, image by image, in passes, chunks and workers.

It is handed everything that predictions are compared with: it neither fits a model nor reads a file
of the user's, and must not import `evaluation`.
"""

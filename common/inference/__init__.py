"""Inference: prediction, test-time augmentation, calibration, cross-fitting, blending."""

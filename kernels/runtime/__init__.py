"""What runs inside the kernel on Kaggle's machine."""

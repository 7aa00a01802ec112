"""The core: recipes, data, models, training, inference, submissions, Kaggle, verbs."""

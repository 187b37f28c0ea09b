"""The tools that build what students open: executed notebooks and copies for Colab."""

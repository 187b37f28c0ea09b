"""Claims of the lessons on ViT, ViT for small data sets, and all networks side by side."""

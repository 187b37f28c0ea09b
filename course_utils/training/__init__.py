"""Training: recipes, the loop, and what is kept of a run."""

from course_utils.training.loop import evaluate, train
from course_utils.training.recipes import RECIPES, Recipe, recipe
from course_utils.training.run import Run

__all__ = ["RECIPES", "Recipe", "Run", "evaluate", "recipe", "train"]

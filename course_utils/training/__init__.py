"""Training: recipes, the loop, and what is kept of a run."""

from course_utils.training.dry_run import dry_running
from course_utils.training.evaluation import evaluate
from course_utils.training.loop import train
from course_utils.training.optimizer import optimizer_for
from course_utils.training.recipes import RECIPES, Recipe, recipe
from course_utils.training.run import Run

__all__ = ["RECIPES", "Recipe", "Run", "dry_running", "evaluate", "optimizer_for", "recipe", "train"]

"""The data sets: `load_dataset` gives a `Dataset`, whatever it was made from."""

from course_utils.data.dataset import Dataset, load_dataset

__all__ = ["Dataset", "load_dataset"]

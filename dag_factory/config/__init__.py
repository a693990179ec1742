"""The compiler: from text to a frozen model or a list of problems. Imports neither Airflow nor Kubernetes.

``read -> merge layers -> check -> model``; the entry point is ``open_project``.
"""

from dag_factory.config.model import Pipeline
from dag_factory.config.problems import Problem
from dag_factory.config.project.loader_pass import Compiled
from dag_factory.config.project.open_project import ProjectError, open_project
from dag_factory.config.project.project import Project

__all__ = ["Compiled", "Pipeline", "Problem", "Project", "ProjectError", "open_project"]

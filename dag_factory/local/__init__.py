"""Airflow on this machine, for development: started as its own processes, asked over its REST API.

Imports neither Airflow nor the builder: what runs here is what runs anywhere.
"""

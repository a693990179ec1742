"""The orders of a web shop, from the exports of three countries to one table: one module for each job."""

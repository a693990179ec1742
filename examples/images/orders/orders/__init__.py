"""A web shop's orders, from three countries' exports to one table: a module for each job."""
